//! Parts that are no round cones: boxes, cylinders, meshes and skins. They are drawn as triangles,
//! and round cones are fitted to them.

use super::{
    bones::bone_index,
    entries::PartEntry,
    parts::{Names, own_bone},
    written::{LONGEST, degrees, lengths, on_side},
};
use crate::{
    Bone, Part,
    surface::{
        Influence, MOST_TRIANGLES, Mesh, ProxyFit, Surface, SurfaceTriangle, SurfaceVertex, cuboid,
        cylinder, fit, read_ply,
    },
    turn,
};
use glam::{Affine3A, Vec3};
use marionette_base::toml_file::{Exact, FileError, TomlFile};
use std::collections::BTreeMap;
use toml::Spanned;

/// Most round cones that stand for one shape.
const MOST_PROXIES: usize = 6;

/// Whether a part is a round cone, or is to be refused as one.
pub(super) fn is_round_cone(part: &PartEntry) -> bool {
    part.cuboid.is_none() && part.cylinder.is_none() && part.mesh.is_none()
}

/// How many round cones each shape may have if all have `room` for so many. A skin has as many
/// shapes as it has bones.
pub(super) fn share_of_room(room: usize, entries: &[Spanned<PartEntry>]) -> usize {
    let shapes = |part: &PartEntry| {
        let of_skin = part.bones.as_ref().map_or(1, |bones| bones.get_ref().len());
        of_skin * (1 + usize::from(part.mirror))
    };
    let solid = entries.iter().map(Spanned::get_ref).filter(|part| !is_round_cone(part));
    let count: usize = solid.map(shapes).sum();
    (room / count.max(1)).clamp(1, MOST_PROXIES)
}

/// Gathers the triangles of a figure, shape by shape.
pub(super) struct Solids<'a> {
    file: &'a TomlFile,
    bones: &'a [Bone],
    /// Each bone's frame in the figure at rest.
    rest: &'a [Affine3A],
    /// The texts of PLY files, by the names that parts give.
    meshes: &'a BTreeMap<String, String>,
    /// How many round cones each shape may have.
    each: usize,
    /// All that was added so far.
    pub(super) surface: Surface,
}

impl<'a> Solids<'a> {
    pub(super) fn new(
        file: &'a TomlFile,
        bones: &'a [Bone],
        rest: &'a [Affine3A],
        meshes: &'a BTreeMap<String, String>,
        each: usize,
    ) -> Self {
        Solids { file, bones, rest, meshes, each, surface: Surface::default() }
    }

    /// Adds the shape of an entry, on its own side (0) or mirrored (1). Returns the parts that stand
    /// for it; `first` is the index that the first of them will have.
    pub(super) fn add(
        &mut self,
        entry: &Spanned<PartEntry>,
        side: usize,
        name: &str,
        first: usize,
        material: usize,
        groups: &mut Names,
    ) -> Result<Vec<Part>, FileError> {
        let (span, part) = (entry.span(), entry.get_ref());
        let fail = |message: &str| {
            Err(self.file.error(Some(span.clone()), format!("part \"{name}\": {message}")))
        };
        if part.garment.is_some() || part.bulk.is_some() {
            return fail("garments and `bulk` are for round cones; leave them out");
        }
        let skin = match &part.bones {
            Some(names) => {
                let owner = format!("part \"{name}\"");
                let index = |bone| bone_index(self.file, self.bones, &owner, bone, side);
                Some(names.get_ref().iter().map(index).collect::<Result<Vec<_>, _>>()?)
            }
            None => None,
        };
        if skin.as_ref().is_some_and(|bones| bones.is_empty() || bones.len() > 255) {
            return fail("`bones` names the 1 to 255 bones that a skin bends with");
        }
        if skin.is_some() && (part.mesh.is_none() || part.bone.is_some()) {
            return fail("a skin has `mesh` and `bones` and no `bone`");
        }
        let mut mesh = self.mesh(entry, name, skin.as_ref().map_or(0, Vec::len))?;
        if side == 1 {
            mesh = mesh.mirrored();
        }
        let own = part.group.as_ref().map(|group| on_side(group, side));
        let bones = match skin {
            None => vec![own_bone(self.file, entry, self.bones, name, side)?],
            Some(bones) => bones,
        };
        let rides = Rides::of(mesh, &bones, part.bones.is_some(), self.rest);
        let mut made: Vec<Part> = Vec::new();
        for bone in rides.bones() {
            let group = own.clone().unwrap_or_else(|| self.bones[bone].name.clone());
            let proxy = fit(&rides.piece(bone), self.each);
            let part = first + made.len();
            self.surface.proxies.push(ProxyFit {
                part,
                count: proxy.cones.len(),
                error: proxy.error,
            });
            let shape = if part == first { name.to_owned() } else { format!("{name}.{group}") };
            let group = groups.index(group);
            made.extend(proxy.cones.iter().enumerate().map(|(k, cone)| Part {
                name: if k == 0 { shape.clone() } else { format!("{shape}.{}", k + 1) },
                bone,
                group,
                material,
                ends: cone.ends,
                radii: cone.radii,
                bulk: None,
                garment: None,
                rest: self.rest[bone].transform_point3(cone.ends[0]),
            }));
            rides.draw_as(bone, part, &mut self.surface);
        }
        rides.add_vertices(&mut self.surface);
        if self.surface.triangles.len() > MOST_TRIANGLES {
            let count = self.surface.triangles.len();
            return Err(self.file.error(
                Some(span),
                format!(
                    "with part \"{name}\" the figure has {count} triangles; at most \
                     {MOST_TRIANGLES} are drawn, simplify its meshes"
                ),
            ));
        }
        Ok(made)
    }

    /// The mesh of an entry: of a skin in the figure at rest, else in its bone's frame.
    fn mesh(
        &self,
        entry: &Spanned<PartEntry>,
        name: &str,
        bones: usize,
    ) -> Result<Mesh, FileError> {
        let (span, part) = (entry.span(), entry.get_ref());
        let fail = |message: String| {
            Err(self.file.error(Some(span.clone()), format!("part \"{name}\": {message}")))
        };
        let positive = |sides: &[f32]| sides.iter().all(|side| *side > 0.0 && *side <= LONGEST);
        let others = part.ends.is_some() || part.radii.is_some() || part.sphere.is_some();
        let mesh = match (&part.cuboid, &part.cylinder, &part.mesh) {
            (Some(Exact(sides)), None, None) if positive(sides) && !others => {
                cuboid(Vec3::from(*sides))
            }
            (None, Some(Exact([radius, length])), None)
                if positive(&[*radius, *length]) && !others =>
            {
                cylinder(*radius, *length)
            }
            (None, None, Some(written)) if !others => {
                let Some(text) = self.meshes.get(written.get_ref()) else {
                    let message = format!(
                        "part \"{name}\": the mesh \"{}\" was not read; load the figure from its \
                         folder",
                        written.get_ref()
                    );
                    return Err(self.file.error(Some(written.span()), message));
                };
                let mesh = read_ply(text, bones).map_err(|message| {
                    let file = written.get_ref();
                    self.file.error(Some(written.span()), format!("{file}: {message}"))
                })?;
                mesh.with_normals()
            }
            _ => {
                return fail(format!(
                    "give one shape: `ends` and `radii`, `sphere`, `box` (three sides), `cylinder` \
                     (radius, length) or `mesh`, with metres above 0, at most {LONGEST}"
                ));
            }
        };
        let at = part.at.map_or([0.0; 3], |Exact(at)| at);
        let turned = part.turn.map_or([0.0; 3], |Exact(turn)| turn);
        lengths(self.file, span.clone(), "at", &at)?;
        degrees(self.file, span.clone(), "turn", &turned)?;
        let turned = turn(Vec3::from(turned.map(f32::to_radians)));
        Ok(mesh.moved(Affine3A::from_rotation_translation(turned, at.into())))
    }
}

/// A mesh, and which bones its vertices follow.
struct Rides<'a> {
    mesh: Mesh,
    rest: &'a [Affine3A],
    /// For each vertex: the bones, and their shares.
    weights: Vec<Vec<(usize, f32)>>,
    /// For each triangle the bone that moves it most.
    owners: Vec<usize>,
    /// For each triangle whether its surface is closed.
    closed: Vec<bool>,
    /// Whether positions are those of the figure at rest, not of a bone's frame.
    at_rest: bool,
}

impl<'a> Rides<'a> {
    fn of(mesh: Mesh, bones: &[usize], at_rest: bool, rest: &'a [Affine3A]) -> Self {
        let weights: Vec<Vec<(usize, f32)>> = match mesh.weights.is_empty() {
            true => vec![vec![(bones[0], 1.0)]; mesh.positions.len()],
            false => {
                let shares = mesh.weights.iter().map(|four| {
                    let some = four.iter().filter(|(_, share)| *share > 0.0);
                    some.map(|(bone, share)| (bones[usize::from(*bone)], *share)).collect()
                });
                shares.collect()
            }
        };
        let owner = |corners: &[u32; 3]| {
            let mut sums: BTreeMap<usize, f32> = BTreeMap::new();
            let all = corners.iter().flat_map(|corner| &weights[*corner as usize]);
            all.for_each(|(bone, share)| *sums.entry(*bone).or_default() += share);
            let most = sums.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0)));
            most.map_or(bones[0], |(bone, _)| *bone)
        };
        let owners = mesh.triangles.iter().map(owner).collect();
        Rides { closed: mesh.closed(), mesh, rest, weights, owners, at_rest }
    }

    /// The bones that move a triangle most, each once.
    fn bones(&self) -> Vec<usize> {
        let mut bones = self.owners.clone();
        bones.sort_unstable();
        bones.dedup();
        bones
    }

    /// `bone_from_mesh`: from the mesh's own frame to a bone's.
    fn bone_from_mesh(&self, bone: usize) -> Affine3A {
        // A skin is written with the root at the origin.
        let root = Affine3A::from_translation(self.rest[0].translation.into());
        if self.at_rest { self.rest[bone].inverse() * root } else { Affine3A::IDENTITY }
    }

    /// The triangles that `bone` moves most, in its frame.
    fn piece(&self, bone: usize) -> Mesh {
        let own = self.mesh.triangles.iter().zip(&self.owners);
        let triangles = own.filter(|(_, owner)| **owner == bone).map(|(corners, _)| *corners);
        let positions = self.mesh.positions.clone();
        Mesh { positions, triangles: triangles.collect(), ..Mesh::default() }
            .moved(self.bone_from_mesh(bone))
    }

    /// Adds the triangles that `bone` moves most, seen as `part`.
    fn draw_as(&self, bone: usize, part: usize, surface: &mut Surface) {
        let first = surface.vertices.len() as u32;
        let own = self.mesh.triangles.iter().zip(&self.owners).zip(&self.closed);
        let own = own.filter(|((_, owner), _)| **owner == bone);
        surface.triangles.extend(own.map(|((corners, _), closed)| {
            // At most three vertices for each of at most 6,000 triangles.
            let corners = corners.map(|corner| (first + corner).min(u16::MAX.into()) as u16);
            SurfaceTriangle { corners, part: part as u16, one_sided: *closed }
        }));
    }

    fn add_vertices(&self, surface: &mut Surface) {
        let frames: BTreeMap<usize, Affine3A> = (self.weights.iter().flatten())
            .map(|(bone, _)| (*bone, self.bone_from_mesh(*bone)))
            .collect();
        for (index, weights) in self.weights.iter().enumerate() {
            let first = surface.influences.len() as u32;
            surface.influences.extend(weights.iter().map(|(bone, weight)| Influence {
                bone: *bone,
                weight: *weight,
                position: frames[bone].transform_point3(self.mesh.positions[index]),
                normal: frames[bone].transform_vector3(self.mesh.normals[index]),
            }));
            surface.vertices.push(SurfaceVertex {
                color: self.mesh.colors.get(index).copied().unwrap_or(Vec3::ONE),
                influences: [first, surface.influences.len() as u32],
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{BodyShape, Figure, Pose, parse_figure, solve};
    use glam::Vec3;
    use marionette_base::toml_file::TomlFile;

    /// Two bones, the root above the origin and turned, and one part, which `part` describes.
    fn figure(part: &str) -> Result<Figure, String> {
        let text = format!(
            "name = \"x\"\nedges = [[\"a\", \"b\"]]\n[[bones]]\nname = \"root\"\n\
             offset = [0, 0.3, 0]\nturn = [90, 0, 0]\n[[bones]]\nname = \"tip\"\n\
             parent = \"root\"\noffset = [0, 0.5, 0]\nlimits = {{ x = [-90, 90] }}\n\
             [[keypoints]]\nname = \"a\"\nbone = \"root\"\n[[keypoints]]\nname = \"b\"\n\
             bone = \"tip\"\n[[parts]]\nname = \"p\"\n{part}\n[meshes]\n\"m.ply\" = \'\'\'\nply\n\
             format ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty \
             float z\nproperty uchar bone_0\nproperty float weight_0\nelement face 1\nproperty \
             list uchar int vertex_indices\nend_header\n0 0 0.5 1 1\n1 0 0.5 1 1\n0 1 0.5 1 1\n\
             3 0 1 2\n\'\'\'\n"
        );
        let file = TomlFile { path: "x.toml".into(), text };
        parse_figure(&file).map_err(|error| error.message)
    }

    fn placed(figure: &Figure) -> Vec<Vec3> {
        let (shape, pose) = (BodyShape::default(), Pose::at_rest(figure));
        let vertices = figure.surface.place(figure, &shape, &solve(figure, &shape, &pose));
        vertices.iter().map(|vertex| vertex.position).collect()
    }

    #[test]
    fn what_is_drawn_as_triangles_keeps_its_part_behind_a_garment() {
        let [cap, side] = [
            "garment = \"cap\"\nbone = \"tip\"\nsphere = 0.1\n",
            "bone = \"root\"\nbox = [0.1, 0.2, 0.3]\n",
        ];
        let garments = "[[garments]]\nname = \"cap\"\nslot = \"head\"\nweight = 1\n";
        for parts in [[cap, side], [side, cap]] {
            let figure =
                figure(&format!("{}[[parts]]\nname = \"q\"\n{}{garments}", parts[0], parts[1]));
            let figure = figure.unwrap();
            let part = usize::from(figure.surface.triangles[0].part);
            assert_eq!(figure.bones[figure.parts[part].bone].name, "root");
            assert_eq!((part, figure.surface.proxies[0].part), (0, 0));
        }
    }

    #[test]
    fn a_skin_rests_where_its_file_says_and_a_mesh_on_its_bone() {
        let skin = figure("bones = [\"root\", \"tip\"]\nmesh = \"m.ply\"").unwrap();
        let written =
            [Vec3::new(0.0, 0.0, 0.5), Vec3::new(1.0, 0.0, 0.5), Vec3::new(0.0, 1.0, 0.5)];
        for (is, wanted) in placed(&skin).iter().zip(written) {
            assert!(is.distance(wanted) < 1e-5, "{is} and not {wanted}");
        }
        assert_eq!(skin.surface.triangles[0].part, 0);
        assert_eq!(skin.bones[skin.parts[0].bone].name, "tip");
        // The root's y axis points forward, and the tip is on it.
        let mesh = figure("bone = \"tip\"\nmesh = \"m.ply\"").unwrap();
        let first = placed(&mesh)[0];
        assert!(first.distance(Vec3::new(0.0, -0.5, 0.5)) < 1e-5, "{first}");
    }

    #[test]
    fn shapes_that_are_none_are_refused() {
        for (part, message) in [
            ("bone = \"tip\"\nbox = [1, 0, 1]", "part \"p\": give one shape"),
            ("bone = \"tip\"\nsphere = 1\nbox = [1, 1, 1]", "part \"p\": give one shape"),
            ("bone = \"tip\"\nmesh = \"n.ply\"", "part \"p\": the mesh \"n.ply\" was not read"),
            ("bones = [\"tip\"]\nbox = [1, 1, 1]", "part \"p\": a skin has `mesh`"),
            ("bones = [\"tip\"]\nmesh = \"m.ply\"", "m.ply: vertex 0 of the mesh has bone_0 = 1"),
            ("box = [1, 1, 1]", "part \"p\" has no `bone`"),
        ] {
            let refused = figure(part).unwrap_err();
            assert!(refused.starts_with(message), "{refused}");
        }
    }
}
