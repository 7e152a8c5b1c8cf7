//! The elements of a URDF file that matter here.

use super::reader::{Reader, element, elements};
use crate::{ImportError, xml};
use glam::{Affine3A, EulerRot, Quat, Vec3};
use roxmltree::Node;
use std::{cell::RefCell, collections::BTreeMap, path::Path};

/// Shapes that are less opaque than this are not seen.
const INVISIBLE: f32 = 0.02;

/// A file's links and joints, in its order.
#[derive(Debug, Default)]
pub struct Robot {
    pub name: String,
    pub links: Vec<Link>,
    pub joints: Vec<Joint>,
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub struct Link {
    pub name: String,
    pub line: usize,
    pub mass: Option<f32>,
    /// What is seen; where a link has nothing for that, what collides.
    pub shapes: Vec<Shape>,
    pub shows_collision: bool,
}

#[derive(Debug)]
pub struct Shape {
    pub line: usize,
    pub link_from_shape: Affine3A,
    pub geometry: Geometry,
    pub color: Option<[f32; 3]>,
}

#[derive(Debug)]
pub enum Geometry {
    Box(Vec3),
    /// Along z.
    Cylinder {
        radius: f32,
        length: f32,
    },
    /// Along z; the length is that between the balls' centres.
    Capsule {
        radius: f32,
        length: f32,
    },
    Sphere(f32),
    Mesh {
        file: String,
        scale: Vec3,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Fixed,
    Revolute,
    Continuous,
    Prismatic,
    Planar,
    Floating,
    /// A ball joint, which Bullet's files have.
    Spherical,
}

#[derive(Debug)]
pub struct Joint {
    pub name: String,
    pub line: usize,
    pub kind: Kind,
    pub parent: String,
    pub child: String,
    /// Of the child's frame in the parent's.
    pub offset: Vec3,
    pub turn: Quat,
    /// A unit vector.
    pub axis: Vec3,
    /// As written, radians or metres; `None` where a bound is not written.
    pub lower: Option<f32>,
    pub upper: Option<f32>,
    pub mimic: Option<Mimic>,
}

#[derive(Debug)]
pub struct Mimic {
    pub joint: String,
    pub factor: f32,
    pub offset: f32,
}

/// Reads the URDF `text`, which is of the file at `path`.
///
/// # Errors
/// If it is no XML or no URDF, or something in it is missing or wrong, with the line.
pub fn parse(path: &Path, text: &str) -> Result<Robot, ImportError> {
    let document = match xml::parse(path, text) {
        Ok(document) => document,
        Err(_) if text.contains("<xacro:") => return Err(xacro(path, None)),
        Err(error) => return Err(error),
    };
    let reader = Reader { path, document: &document, notes: RefCell::default() };
    let root = document.root_element();
    let is_xacro = |node: &Node| {
        node.tag_name().namespace().is_some_and(|space| space.contains("xacro"))
            || node.attributes().any(|attribute| attribute.value().contains("${"))
    };
    if let Some(node) = root.descendants().find(is_xacro) {
        return Err(xacro(path, Some(reader.line(node))));
    }
    if root.tag_name().name() != "robot" {
        let found = root.tag_name().name();
        let message = format!("starts with <{found}>; a URDF file starts with <robot>");
        return Err(reader.fail(root, message));
    }
    let mut robot =
        Robot { name: root.attribute("name").unwrap_or("robot").to_owned(), ..Robot::default() };
    let mut palette: BTreeMap<&str, [f32; 4]> = BTreeMap::new();
    for material in elements(root, "material") {
        if let (Some(name), Some(color)) = (material.attribute("name"), reader.color(material)?) {
            palette.insert(name, color);
        }
    }
    // A material that is given with a shape can be used by its name elsewhere.
    for material in root.descendants().filter(|node| node.has_tag_name("material")) {
        if let (Some(name), Some(color)) = (material.attribute("name"), reader.color(material)?) {
            palette.entry(name).or_insert(color);
        }
    }
    for node in elements(root, "link") {
        let link = reader.link(node, &palette)?;
        if robot.links.iter().any(|other| other.name == link.name) {
            let message =
                format!("another link is called \"{}\" too; names must differ", link.name);
            return Err(reader.fail(node, message));
        }
        robot.links.push(link);
    }
    for node in elements(root, "joint") {
        let joint = reader.joint(node)?;
        if robot.joints.iter().any(|other| other.name == joint.name) {
            let message =
                format!("another joint is called \"{}\" too; names must differ", joint.name);
            return Err(reader.fail(node, message));
        }
        robot.joints.push(joint);
    }
    if robot.links.is_empty() {
        return Err(reader.fail(root, "has no <link>"));
    }
    robot.notes = reader.notes.take();
    Ok(robot)
}

fn xacro(path: &Path, line: Option<usize>) -> ImportError {
    let (from, to) = (path.display(), path.with_extension("").with_extension("urdf"));
    let message = format!(
        "is a xacro file, which is a program that writes URDF; expand it first: xacro {from} > {} \
         (in ROS 2: ros2 run xacro xacro; elsewhere: pip install xacro)",
        to.display()
    );
    ImportError::file(path, line, message)
}

impl<'a> Reader<'a> {
    fn color(&self, material: Node<'a, 'a>) -> Result<Option<[f32; 4]>, ImportError> {
        let Some(color) = element(material, "color") else { return Ok(None) };
        self.numbers(color, "rgba")
    }

    fn origin(&self, node: Node<'a, 'a>) -> Result<(Vec3, Quat), ImportError> {
        let Some(origin) = element(node, "origin") else { return Ok((Vec3::ZERO, Quat::IDENTITY)) };
        let place = self.numbers::<3>(origin, "xyz")?.unwrap_or_default();
        let [roll, pitch, yaw] = self.numbers::<3>(origin, "rpy")?.unwrap_or_default();
        Ok((place.into(), Quat::from_euler(EulerRot::ZYX, yaw, pitch, roll)))
    }

    fn link(
        &self,
        node: Node<'a, 'a>,
        palette: &BTreeMap<&str, [f32; 4]>,
    ) -> Result<Link, ImportError> {
        let name = self.text(node, "name")?.to_owned();
        let mass = element(node, "inertial").and_then(|inertial| element(inertial, "mass"));
        let mass = match mass {
            Some(mass) => self.number(mass, "value")?,
            None => None,
        };
        let kind = if element(node, "visual").is_some() { "visual" } else { "collision" };
        let mut shapes = Vec::new();
        for shape in elements(node, kind) {
            let Some(geometry) = element(shape, "geometry") else {
                return Err(self.fail(shape, format!("<{kind}> has no <geometry>")));
            };
            let Some(geometry) = self.geometry(geometry)? else {
                self.note(shape, "a shape of no known kind, or without a size, is left out");
                continue;
            };
            let material = element(shape, "material");
            let own = material.map(|material| self.color(material)).transpose()?.flatten();
            let named = material.and_then(|m| palette.get(m.attribute("name")?).copied());
            let color = own.or(named);
            if color.is_some_and(|[.., opacity]| opacity < INVISIBLE) {
                self.note(shape, "a shape that is all transparent is left out");
                continue;
            }
            let (place, turn) = self.origin(shape)?;
            shapes.push(Shape {
                line: self.line(shape),
                link_from_shape: Affine3A::from_rotation_translation(turn, place),
                geometry,
                color: color.map(|[r, g, b, _]| [r, g, b]),
            });
        }
        let shows_collision = kind == "collision" && !shapes.is_empty();
        Ok(Link { name, line: self.line(node), mass, shapes, shows_collision })
    }

    fn geometry(&self, node: Node<'a, 'a>) -> Result<Option<Geometry>, ImportError> {
        let Some(shape) = node.children().find(Node::is_element) else {
            return Err(self.fail(node, "<geometry> is empty"));
        };
        let geometry = match shape.tag_name().name() {
            "box" => {
                self.text(shape, "size")?;
                let sides = Vec3::from(self.numbers::<3>(shape, "size")?.unwrap_or_default());
                if sides.min_element() < 0.0 {
                    return Err(self.fail(shape, "<box> has a side below 0; give 0 or more"));
                }
                // A side of 0 is a plate.
                Geometry::Box(sides.max(Vec3::splat(1e-4 * sides.max_element())))
            }
            "cylinder" => Geometry::Cylinder {
                radius: self.length(shape, "radius")?,
                length: self.length(shape, "length")?,
            },
            "capsule" => Geometry::Capsule {
                radius: self.length(shape, "radius")?,
                length: self.length(shape, "length")?,
            },
            "sphere" => Geometry::Sphere(self.length(shape, "radius")?),
            "mesh" => {
                let scale = match shape.attribute("scale") {
                    Some(text) if text.split_whitespace().count() == 1 => {
                        self.number(shape, "scale")?.map(Vec3::splat)
                    }
                    _ => self.numbers::<3>(shape, "scale")?.map(Vec3::from),
                };
                let scale = scale.unwrap_or(Vec3::ONE);
                if scale.abs().min_element() == 0.0 {
                    return Err(self.fail(shape, "<mesh> has a scale of 0; give another"));
                }
                Geometry::Mesh { file: self.text(shape, "filename")?.to_owned(), scale }
            }
            _ => return Ok(None),
        };
        let has_size = match &geometry {
            Geometry::Box(sides) => sides.max_element() > 0.0,
            Geometry::Cylinder { radius, length } => radius.min(*length) > 0.0,
            Geometry::Capsule { radius, .. } | Geometry::Sphere(radius) => *radius > 0.0,
            Geometry::Mesh { .. } => true,
        };
        Ok(has_size.then_some(geometry))
    }

    fn joint(&self, node: Node<'a, 'a>) -> Result<Joint, ImportError> {
        let name = self.text(node, "name")?.to_owned();
        let kind = match self.text(node, "type")? {
            "fixed" => Kind::Fixed,
            "revolute" => Kind::Revolute,
            "continuous" => Kind::Continuous,
            "prismatic" => Kind::Prismatic,
            "planar" => Kind::Planar,
            "floating" => Kind::Floating,
            "spherical" => Kind::Spherical,
            other => {
                let message = format!(
                    "joint \"{name}\" has the type \"{other}\"; there are fixed, revolute, \
                     continuous, prismatic, planar, spherical and floating"
                );
                return Err(self.fail(node, message));
            }
        };
        let end = |tag: &'a str| match element(node, tag) {
            Some(end) => self.text(end, "link").map(str::to_owned),
            None => Err(self.fail(node, format!("joint \"{name}\" has no <{tag} link=\"...\"/>"))),
        };
        let (parent, child) = (end("parent")?, end("child")?);
        let (offset, turn) = self.origin(node)?;
        let axis = match element(node, "axis") {
            Some(axis) => self.numbers::<3>(axis, "xyz")?.map(Vec3::from),
            None => None,
        };
        let axis = axis.unwrap_or(Vec3::X);
        let moves = !matches!(kind, Kind::Fixed | Kind::Floating | Kind::Spherical);
        if moves && axis.length() < 1e-6 {
            let message = format!("joint \"{name}\" has the axis 0 0 0; give a direction");
            return Err(self.fail(node, message));
        }
        let (lower, upper) = match element(node, "limit") {
            Some(limit) => (self.number(limit, "lower")?, self.number(limit, "upper")?),
            None => (None, None),
        };
        let mimic = match element(node, "mimic") {
            Some(mimic) => Some(Mimic {
                joint: self.text(mimic, "joint")?.to_owned(),
                factor: self.number(mimic, "multiplier")?.unwrap_or(1.0),
                offset: self.number(mimic, "offset")?.unwrap_or(0.0),
            }),
            None => None,
        };
        Ok(Joint {
            name,
            line: self.line(node),
            kind,
            parent,
            child,
            offset,
            turn,
            axis: axis.normalize_or(Vec3::X),
            lower,
            upper,
            mimic,
        })
    }
}
