//! The shaders: which files each of them is made of.

use bevy::prelude::*;

// Every shader is one text: the file that names it, behind the files that it stands on.
macro_rules! shader {
    ($($file:literal),+) => {
        ShaderFiles {
            names: &[$($file),+],
            texts: &[$(include_str!(concat!("../../../assets/shaders/", $file))),+],
        }
    };
}

/// The files that a shader is made of, in order. The last one names it.
struct ShaderFiles {
    names: &'static [&'static str],
    texts: &'static [&'static str],
}

const SEEN: ShaderFiles = shader!("tile_data.wgsl", "space.wgsl", "seen.wgsl");
const LIGHT: ShaderFiles = shader!("tile_data.wgsl", "space.wgsl", "shadow.wgsl", "light.wgsl");
const CAMERA: ShaderFiles = shader!("tile_data.wgsl", "camera.wgsl");

/// The shaders, as assets of the main world.
#[derive(Resource, Clone)]
pub struct TileShaders {
    /// What is seen where.
    pub seen: Handle<Shader>,
    /// The light on it.
    pub light: Handle<Shader>,
    /// What the camera makes of the light.
    pub camera: Handle<Shader>,
}

impl TileShaders {
    /// Adds the embedded shaders to `shaders`.
    pub fn add_to(shaders: &mut Assets<Shader>) -> Self {
        let mut add = |files: &ShaderFiles| {
            let name = files.names[files.names.len() - 1];
            shaders.add(Shader::from_wgsl(files.texts.concat(), name))
        };
        TileShaders { seen: add(&SEEN), light: add(&LIGHT), camera: add(&CAMERA) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        casters::ABOVE,
        layout::{
            CLIP_GROUND, CLIP_INSTANCES, CLIP_WALL, GpuFabric, GpuInstance, GpuOutline, GpuTile,
            GpuTriangle, LIST_WORDS, MOST_FABRICS, MOST_INSTANCES,
        },
        triangles::FIRST_TRIANGLE,
    };
    use bytemuck::Zeroable;
    use marionette_scene::pictures::SIDE;
    use marionette_stream::{Camera, FAR_DEPTH};
    use naga::{ArraySize, Binding, Expression, Literal, Module, StructMember, TypeInner};
    use std::mem::offset_of;

    /// The text that is left for one set of defines: what Bevy's preprocessor makes of `#ifdef`,
    /// `#else ifdef`, `#else` and `#endif`.
    fn preprocessed(text: &str, defines: &[&str]) -> String {
        // For each open `#ifdef`: whether its current branch is kept, and whether any branch was.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut kept = String::new();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["#ifdef", name] => open.push((defines.contains(&name), defines.contains(&name))),
                ["#else", "ifdef", name] => {
                    let (branch, any) = open.last_mut().unwrap();
                    *branch = !*any && defines.contains(&name);
                    *any |= *branch;
                }
                ["#else"] => {
                    let (branch, any) = open.last_mut().unwrap();
                    (*branch, *any) = (!*any, true);
                }
                ["#endif"] => drop(open.pop().unwrap()),
                [first, ..] if first.starts_with('#') => panic!("unknown directive: {line}"),
                _ if open.iter().all(|(branch, _)| *branch) => kept.extend([line, "\n"]),
                _ => {}
            }
        }
        assert!(open.is_empty(), "an #ifdef without #endif");
        kept
    }

    fn parsed(files: &ShaderFiles, defines: &[&str]) -> Module {
        let text = preprocessed(&files.texts.concat(), defines);
        naga::front::wgsl::parse_str(&text)
            .unwrap_or_else(|error| panic!("{:?}: {}", files.names, error.emit_to_string(&text)))
    }

    /// The members of a struct, and its size.
    fn members<'a>(module: &'a Module, name: &str) -> (&'a [StructMember], u32) {
        let named = module.types.iter().find(|(_, found)| found.name.as_deref() == Some(name));
        match &named.unwrap_or_else(|| panic!("there is no struct {name}")).1.inner {
            TypeInner::Struct { members, span } => (members, *span),
            other => panic!("{name} is {other:?}"),
        }
    }

    /// The type name and the length of an array that is bound.
    fn bound_array(module: &Module, name: &str) -> (Option<String>, usize) {
        let mut variables = module.global_variables.iter();
        let variable = variables.find(|(_, found)| found.name.as_deref() == Some(name)).unwrap().1;
        match module.types[variable.ty].inner {
            TypeInner::Array { base, size: ArraySize::Constant(length), .. } => {
                (module.types[base].name.clone(), length.get() as usize)
            }
            ref other => panic!("{name} is {other:?}"),
        }
    }

    fn constant(module: &Module, name: &str) -> f64 {
        let mut constants = module.constants.iter();
        let constant = constants.find(|(_, found)| found.name.as_deref() == Some(name)).unwrap().1;
        match module.global_expressions[constant.init] {
            Expression::Literal(Literal::F32(value)) => f64::from(value),
            Expression::Literal(Literal::U32(value)) => f64::from(value),
            ref other => panic!("{name} is {other:?}"),
        }
    }

    /// The name, offset and size of each field of a struct, without the one before the semicolon.
    /// All fields must be given, or it does not compile.
    macro_rules! fields {
        ($of:ident { $($padding:ident)?; $($field:ident),+ $(,)? }) => {{
            let $of { $($padding: _,)? $($field: _),+ } = $of::zeroed();
            fn size<S, T>(_: fn(&S) -> &T) -> u32 {
                size_of::<T>() as u32
            }
            [$((
                stringify!($field),
                offset_of!($of, $field) as u32,
                size(|whole: &$of| &whole.$field),
            )),+]
        }};
    }

    fn assert_same(module: &Module, name: &str, fields: &[(&str, u32, u32)], size: usize) {
        let (members, span) = members(module, name);
        let of_shader: Vec<_> = members
            .iter()
            .map(|member| {
                let size = module.types[member.ty].inner.size(module.to_ctx());
                (member.name.as_deref().unwrap_or_default(), member.offset, size)
            })
            .collect();
        assert_eq!(of_shader, fields, "members of {name}, their offsets and sizes");
        assert_eq!(span as usize, size, "size of {name}");
    }

    #[test]
    fn structs_have_the_layout_that_shaders_read() {
        let tile = fields!(GpuTile {
            padding;
            clip_from_world, eye, ray_origin, ray_right, ray_down, forward, sun_direction,
            sun_color, sky_color, bounce_color, lamp, wall, pattern, color_a, color_b, color_c,
            ground, post, lens, motion, tone, place, picture,
        });
        for files in [&SEEN, &LIGHT, &CAMERA] {
            let size = offset_of!(GpuTile, padding);
            assert_same(&parsed(files, &[]), "Tile", &tile, size);
        }
        assert!(size_of::<GpuTile>().is_multiple_of(256), "tiles are bound at multiples of 256");
        let light = parsed(&LIGHT, &["SHADOWS"]);
        let instance = fields!(GpuInstance {; a, b, color, turn, origin, pieces });
        assert_same(&light, "Instance", &instance, size_of::<GpuInstance>());
        let triangle = fields!(GpuTriangle {; a, b, c, which, normals, colors });
        let mixed = parsed(&LIGHT, &["TRIANGLES"]);
        assert_same(&mixed, "Triangle", &triangle, size_of::<GpuTriangle>());
        let fabric = fields!(GpuFabric {; second, waves, pitch, print });
        assert_same(&light, "Fabric", &fabric, size_of::<GpuFabric>());
    }

    #[test]
    fn outlines_have_the_attributes_that_shaders_read() {
        let outline = fields!(GpuOutline { padding; a, b, turn, which });
        let triangle = fields!(GpuTriangle {; a, b, c, which, normals, colors });
        let seen = parsed(&SEEN, &[]);
        for (name, fields) in [("Outline", &outline[..]), ("TriangleOutline", &triangle[..4])] {
            let (members, _) = members(&seen, name);
            let of_shader: Vec<_> = members
                .iter()
                .map(|member| match member.binding {
                    Some(Binding::Location { location, .. }) => (member.name.as_deref(), location),
                    ref other => panic!("{:?} is bound to {other:?}", member.name),
                })
                .collect();
            let of_rust: Vec<_> = fields.iter().map(|(name, ..)| Some(*name)).zip(0..).collect();
            assert_eq!(of_shader, of_rust, "the attributes of {name} and their locations");
        }
    }

    #[test]
    fn arrays_have_the_lengths_that_shaders_read() {
        let light = parsed(&LIGHT, &["SHADOWS"]);
        assert_eq!(bound_array(&light, "lists"), (None, LIST_WORDS));
        assert_eq!(bound_array(&light, "instances"), (Some("Instance".into()), MOST_INSTANCES));
        assert_eq!(bound_array(&light, "fabrics"), (Some("Fabric".into()), MOST_FABRICS));
    }

    #[test]
    fn constants_are_those_of_shaders() {
        let (seen, light) = (parsed(&SEEN, &[]), parsed(&LIGHT, &[]));
        for (name, value) in [
            ("NEAR", Camera::NEAR),
            ("FAR", FAR_DEPTH),
            ("CLIP_INSTANCES", CLIP_INSTANCES),
            ("CLIP_GROUND", CLIP_GROUND),
            ("CLIP_WALL", CLIP_WALL),
        ] {
            assert_eq!(constant(&seen, name), f64::from(value), "{name}");
        }
        let mixed = parsed(&LIGHT, &["TRIANGLES"]);
        assert_eq!(constant(&mixed, "FIRST_TRIANGLE"), f64::from(FIRST_TRIANGLE));
        assert_eq!(constant(&light, "PICTURE_SIDE"), f64::from(SIDE));
        assert!(constant(&light, "NONE") >= MOST_INSTANCES as f64);
        assert!(constant(&light, "LIGHT_ABOVE") < f64::from(ABOVE));
    }

    #[test]
    fn every_variant_of_the_light_shader_is_valid() {
        let kinds = ["STUDIO", "FIELD", "TILES", "BRICKS", "BLOCKS", "FOLIAGE", "PICTURE"];
        for kind in kinds {
            let sets: [&[&str]; 4] = [
                &[kind],
                &[kind, "SHADOWS"],
                &[kind, "TRIANGLES"],
                &[kind, "TRIANGLES", "SHADOWS"],
            ];
            for defines in sets {
                parsed(&LIGHT, defines);
            }
        }
    }
}
