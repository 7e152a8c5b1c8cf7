//! COLLADA files: triangles of the scene's nodes, with their materials' colours.

use super::{Soup, Surface, surface::bytes as color_bytes};
use crate::{ImportError, xml};
use glam::{Affine3A, Mat4, Quat, Vec2, Vec3};
use roxmltree::{Document, Node};
use std::{collections::BTreeMap, path::Path};

/// Nodes within nodes, at most; also what ends a node that holds itself.
const DEEPEST: usize = 64;
/// Triangles of a scene, at most: nodes can show one geometry many times.
const MOST_CORNERS: usize = 3 * 8_000_000;

struct Scene<'a> {
    path: &'a Path,
    document: &'a Document<'a>,
    by_id: BTreeMap<&'a str, Node<'a, 'a>>,
    surfaces: BTreeMap<&'a str, Surface>,
}

pub fn read(path: &Path, bytes: Vec<u8>, soup: &mut Soup) -> Result<(), ImportError> {
    let text = xml::text(path, bytes)?;
    let document = xml::parse(path, &text)?;
    let root = document.root_element();
    if root.tag_name().name() != "COLLADA" {
        let message = format!("starts with <{}>; it is no COLLADA file", root.tag_name().name());
        return Err(ImportError::file(path, None, message));
    }
    let by_id = root.descendants().filter_map(|node| Some((node.attribute("id")?, node))).collect();
    let mut scene = Scene { path, document: &document, by_id, surfaces: BTreeMap::new() };
    for material in root.descendants().filter(|node| node.has_tag_name_("material")) {
        if let Some(id) = material.attribute("id") {
            let surface = scene.surface(material, soup);
            scene.surfaces.insert(id, surface);
        }
    }
    let asset = root.child("asset");
    let meter = asset
        .and_then(|asset| asset.child("unit")?.attribute("meter")?.trim().parse::<f32>().ok())
        .filter(|meter| meter.is_finite() && *meter > 0.0)
        .unwrap_or(1.0);
    let up = asset.and_then(|asset| asset.child("up_axis")?.text()).unwrap_or("Y_UP").trim();
    // `z_up_from_file`: the other axes follow as they do in ROS and in Blender.
    let upright = match up {
        "Z_UP" => Quat::IDENTITY,
        "X_UP" => Quat::from_rotation_y(-std::f32::consts::FRAC_PI_2),
        _ => Quat::from_rotation_x(std::f32::consts::FRAC_PI_2),
    };
    let from_file =
        Affine3A::from_scale_rotation_translation(Vec3::splat(meter), upright, Vec3::ZERO);
    let shown = root.child("scene").and_then(|node| node.child("instance_visual_scene"));
    let shown = shown.and_then(|node| scene.named(node.attribute("url")?));
    let shown =
        shown.or_else(|| root.descendants().find(|node| node.has_tag_name_("visual_scene")));
    match shown {
        Some(shown) => scene.nodes(shown, from_file, 0, soup)?,
        // Nothing is placed: all there is, where it is.
        None => {
            for geometry in root.descendants().filter(|node| node.has_tag_name_("geometry")) {
                scene.geometry(geometry, from_file, &BTreeMap::new(), soup)?;
            }
        }
    }
    Ok(())
}

/// Short names for what is done with elements; COLLADA's name space does not matter.
trait Element<'a>: Sized {
    fn child(&self, name: &str) -> Option<Node<'a, 'a>>;
    fn has_tag_name_(&self, name: &str) -> bool;
}

impl<'a> Element<'a> for Node<'a, 'a> {
    fn child(&self, name: &str) -> Option<Node<'a, 'a>> {
        self.children().find(|node| node.has_tag_name_(name))
    }

    fn has_tag_name_(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn numbers(text: Option<&str>) -> Vec<f32> {
    let words = text.unwrap_or("").split_whitespace();
    words.map(|word| word.parse().unwrap_or(f32::NAN)).collect()
}

impl<'a> Scene<'a> {
    fn named(&self, url: &str) -> Option<Node<'a, 'a>> {
        self.by_id.get(url.trim_start_matches('#')).copied()
    }

    fn fail(&self, node: Node<'_, '_>, message: impl Into<String>) -> ImportError {
        let line = self.document.text_pos_at(node.range().start).row as usize;
        ImportError::file(self.path, Some(line), message)
    }

    /// The colours of a `<material>`: the diffuse one of its effect, or a picture.
    fn surface(&self, material: Node<'a, 'a>, soup: &mut Soup) -> Surface {
        let mut surface = Surface::default();
        let effect = material.child("instance_effect").and_then(|node| node.attribute("url"));
        let Some(effect) = effect.and_then(|url| self.named(url)) else { return surface };
        let Some(diffuse) = effect.descendants().find(|node| node.has_tag_name_("diffuse")) else {
            return surface;
        };
        if let Some(color) = diffuse.child("color")
            && let [r, g, b, ..] = numbers(color.text())[..]
        {
            surface.color = Some(color_bytes([r, g, b]));
        }
        // The texture names a sampler, that a surface, that an image, whose text is a file's name.
        let picture = diffuse.child("texture").and_then(|texture| {
            let mut name = texture.attribute("texture")?;
            for (element, inner) in [("sampler2D", "source"), ("surface", "init_from")] {
                let by_sid = effect.descendants().find(|node| node.attribute("sid") == Some(name));
                if let Some(parameter) = by_sid {
                    name = parameter.child(element)?.child(inner)?.text()?.trim();
                }
            }
            self.named(name)?
                .descendants()
                .find_map(|node| node.text().map(str::trim).filter(|text| !text.is_empty()))
        });
        if let Some(picture) = picture {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            let name = picture.trim_start_matches("file://");
            if let Err(note) = surface.paint(&folder.join(name)) {
                soup.notes.push(note);
            }
        }
        surface
    }

    fn nodes(
        &self,
        parent: Node<'a, 'a>,
        from_parent: Affine3A,
        depth: usize,
        soup: &mut Soup,
    ) -> Result<(), ImportError> {
        if depth > DEEPEST {
            let message = format!("nodes lie in one another more than {DEEPEST} deep");
            return Err(self.fail(parent, message));
        }
        let mut from_node = from_parent;
        for child in parent.children().filter(Node::is_element) {
            match child.tag_name().name() {
                "matrix" | "translate" | "rotate" | "scale" => {
                    from_node *= self.transform(child)?;
                }
                "node" => self.nodes(child, from_node, depth + 1, soup)?,
                "instance_node" => {
                    if let Some(node) = child.attribute("url").and_then(|url| self.named(url)) {
                        self.nodes(node, from_node, depth + 1, soup)?;
                    }
                }
                "instance_geometry" | "instance_controller" => {
                    let named = child.attribute("url").and_then(|url| self.named(url));
                    let skin = named.and_then(|node| node.child("skin")?.attribute("source"));
                    let geometry = skin.and_then(|url| self.named(url)).or(named);
                    let bound = child.descendants().filter_map(|node| {
                        Some((node.attribute("symbol")?, node.attribute("target")?))
                    });
                    let bound: BTreeMap<&str, &str> = bound.collect();
                    if let Some(geometry) = geometry {
                        self.geometry(geometry, from_node, &bound, soup)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn transform(&self, node: Node<'a, 'a>) -> Result<Affine3A, ImportError> {
        let values = numbers(node.text());
        Ok(match (node.tag_name().name(), &values[..]) {
            ("matrix", values) if values.len() == 16 => {
                let rows: [f32; 16] = values.try_into().expect("16");
                Affine3A::from_mat4(Mat4::from_cols_array(&rows).transpose())
            }
            ("translate", &[x, y, z]) => Affine3A::from_translation(Vec3::new(x, y, z)),
            ("scale", &[x, y, z]) => Affine3A::from_scale(Vec3::new(x, y, z)),
            ("rotate", &[x, y, z, degrees]) => {
                let axis = Vec3::new(x, y, z).normalize_or(Vec3::Z);
                Affine3A::from_quat(Quat::from_axis_angle(axis, degrees.to_radians()))
            }
            (name, values) => {
                return Err(self.fail(node, format!("<{name}> has {} numbers", values.len())));
            }
        })
    }

    /// A `<source>`'s rows of numbers.
    fn source(&self, url: &str) -> Option<Vec<Vec3>> {
        let mut source = self.named(url)?;
        if source.has_tag_name_("vertices") {
            let inputs = source.children().filter(|node| node.has_tag_name_("input"));
            let places = inputs.clone().find(|i| i.attribute("semantic") == Some("POSITION"))?;
            source = self.named(places.attribute("source")?)?;
        }
        let values = numbers(source.child("float_array")?.text());
        let accessor = source.descendants().find(|node| node.has_tag_name_("accessor"));
        let stride = accessor.and_then(|node| node.attribute("stride")?.parse().ok());
        let stride: usize = stride.unwrap_or(3).max(1);
        let row = |row: &[f32]| {
            let at = |index: usize| row.get(index).copied().unwrap_or(0.0);
            Vec3::new(at(0), at(1), at(2))
        };
        Some(values.chunks_exact(stride).map(row).collect())
    }

    fn geometry(
        &self,
        geometry: Node<'a, 'a>,
        from_geometry: Affine3A,
        bound: &BTreeMap<&str, &str>,
        soup: &mut Soup,
    ) -> Result<(), ImportError> {
        let Some(mesh) = geometry.child("mesh") else { return Ok(()) };
        let flipped = from_geometry.matrix3.determinant() < 0.0;
        for list in mesh.children().filter(Node::is_element) {
            let kind = list.tag_name().name();
            if !matches!(kind, "triangles" | "polylist" | "polygons") {
                continue;
            }
            let inputs = list.children().filter(|node| node.has_tag_name_("input"));
            let offset = |node: &Node| node.attribute("offset").and_then(|o| o.parse().ok());
            let stride = 1 + inputs.clone().filter_map(|node| offset(&node)).max().unwrap_or(0);
            let input = |semantic: &str| {
                let node = inputs.clone().find(|i| i.attribute("semantic") == Some(semantic))?;
                Some((offset(&node).unwrap_or(0), self.source(node.attribute("source")?)?))
            };
            let (at, places) = input("VERTEX")
                .ok_or_else(|| self.fail(list, format!("<{kind}> names no vertices")))?;
            let (colors, coordinates) = (input("COLOR"), input("TEXCOORD"));
            let material = list.attribute("material").unwrap_or("");
            let target = bound.get(material).copied().unwrap_or(material).trim_start_matches('#');
            let surface = self.surfaces.get(target);
            let sizes = list.child("vcount").map(|node| numbers(node.text()));
            let mut sizes = sizes.unwrap_or_default().into_iter();
            for indices in list.children().filter(|node| node.has_tag_name_("p")) {
                let words = indices.text().unwrap_or("").split_whitespace();
                let indices_: Option<Vec<usize>> = words.map(|word| word.parse().ok()).collect();
                let Some(values) = indices_ else {
                    return Err(self.fail(indices, "<p> holds something else than indices"));
                };
                let mut rows = values.chunks_exact(stride);
                let mut polygon = Vec::new();
                while rows.len() > 0 {
                    let size = match kind {
                        "triangles" => 3,
                        "polylist" => sizes.next().unwrap_or(3.0) as usize,
                        _ => rows.len(),
                    };
                    polygon.clear();
                    for row in rows.by_ref().take(size.max(1)) {
                        let Some(place) = places.get(row[at]) else {
                            let message = format!("vertex {} of {}", row[at], places.len());
                            return Err(self.fail(indices, format!("<p> names {message}")));
                        };
                        let own = |list: &Option<(usize, Vec<Vec3>)>| {
                            list.as_ref().and_then(|(at, list)| list.get(row[*at]).copied())
                        };
                        let place_in_picture = own(&coordinates).map(|c| Vec2::new(c.x, c.y));
                        let color = surface.and_then(|surface| surface.at(place_in_picture));
                        let own_color = own(&colors).map(|c| color_bytes(c.to_array()));
                        polygon.push((from_geometry.transform_point3(*place), color.or(own_color)));
                    }
                    if flipped {
                        polygon.reverse();
                    }
                    soup.polygon(&polygon);
                    if soup.positions.len() > MOST_CORNERS {
                        let most = MOST_CORNERS / 3;
                        return Err(self.fail(list, format!("more than {most} triangles")));
                    }
                }
            }
        }
        Ok(())
    }
}
