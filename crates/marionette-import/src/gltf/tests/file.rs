//! Small glTF files, written by tests.

use base64::Engine;
use serde_json::{Value, json};

/// A file in the making: its JSON, and its one buffer.
pub struct File {
    pub json: Value,
    pub bytes: Vec<u8>,
}

impl File {
    /// A file with these nodes; those that hang on no other are in its scene.
    pub fn new(nodes: Value) -> File {
        let count = nodes.as_array().unwrap().len();
        let hangs = |node: usize| {
            let mut children = nodes
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|other| other["children"].as_array().cloned().unwrap_or_default());
            children.any(|child| child == json!(node))
        };
        let roots: Vec<usize> = (0..count).filter(|node| !hangs(*node)).collect();
        let json = json!({
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": roots}],
            "nodes": nodes, "meshes": [], "accessors": [], "bufferViews": [],
        });
        File { json, bytes: Vec::new() }
    }

    fn view(&mut self, bytes: &[u8]) -> usize {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        let offset = self.bytes.len();
        self.bytes.extend(bytes);
        let view = json!({"buffer": 0, "byteOffset": offset, "byteLength": bytes.len()});
        self.push("bufferViews", view)
    }

    pub fn push(&mut self, list: &str, entry: Value) -> usize {
        if self.json[list].is_null() {
            self.json[list] = json!([]);
        }
        let list = self.json[list].as_array_mut().unwrap();
        list.push(entry);
        list.len() - 1
    }

    pub fn floats(&mut self, kind: &str, values: &[f32]) -> usize {
        let width = match kind {
            "SCALAR" => 1,
            "VEC2" => 2,
            "VEC3" => 3,
            "VEC4" => 4,
            _ => 16,
        };
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = self.view(&bytes);
        // Positions must say their range; nothing here reads it.
        self.push(
            "accessors",
            json!({
                "bufferView": view, "componentType": 5126, "count": values.len() / width,
                "type": kind, "min": vec![0.0; width], "max": vec![1.0; width],
            }),
        )
    }

    pub fn shorts(&mut self, kind: &str, values: &[u16]) -> usize {
        let width = if kind == "VEC4" { 4 } else { 1 };
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = self.view(&bytes);
        self.push(
            "accessors",
            json!({
                "bufferView": view, "componentType": 5123, "count": values.len() / width,
                "type": kind,
            }),
        )
    }

    pub fn picture(&mut self, picture: &image::RgbImage) -> usize {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let view = self.view(&bytes.into_inner());
        self.push("images", json!({"bufferView": view, "mimeType": "image/png"}))
    }

    /// Adds a box of 12 triangles around `middle`; of a skin if there are weights: joints and
    /// shares of all vertices.
    pub fn cuboid(&mut self, middle: [f32; 3], half: f32, held: &[([u16; 4], [f32; 4])]) -> usize {
        let corner = |i: usize| {
            let side = |axis: usize| if i >> axis & 1 == 1 { half } else { -half };
            [middle[0] + side(0), middle[1] + side(1), middle[2] + side(2)]
        };
        let points: Vec<f32> = (0..8).flat_map(corner).collect();
        // Counter-clockwise from outside.
        const FACES: [[u16; 4]; 6] =
            [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];
        let indices: Vec<u16> =
            FACES.iter().flat_map(|[a, b, c, d]| [*a, *b, *c, *a, *c, *d]).collect();
        let mut attributes = json!({"POSITION": self.floats("VEC3", &points)});
        for (set, (joints, shares)) in held.iter().enumerate() {
            let joints = self.shorts("VEC4", &joints.repeat(8));
            let shares = self.floats("VEC4", &shares.repeat(8));
            attributes[format!("JOINTS_{set}")] = json!(joints);
            attributes[format!("WEIGHTS_{set}")] = json!(shares);
        }
        let indices = self.shorts("SCALAR", &indices);
        json!({"attributes": attributes, "indices": indices}).pipe(|primitive| {
            self.push("meshes", json!({"name": "box", "primitives": [primitive]}))
        })
    }

    /// Turns a node by quaternions at moments a second apart.
    pub fn turn(&mut self, animation: &str, node: usize, rotations: &[[f32; 4]]) {
        let values: Vec<f32> = rotations.iter().flatten().copied().collect();
        self.channel(animation, node, "rotation", ("VEC4", &values), rotations.len());
    }

    /// Moves a node likewise.
    pub fn slide(&mut self, animation: &str, node: usize, places: &[[f32; 3]]) {
        let values: Vec<f32> = places.iter().flatten().copied().collect();
        self.channel(animation, node, "translation", ("VEC3", &values), places.len());
    }

    fn channel(
        &mut self,
        animation: &str,
        node: usize,
        path: &str,
        (kind, values): (&str, &[f32]),
        count: usize,
    ) {
        let times: Vec<f32> = (0..count).map(|second| second as f32).collect();
        let (input, output) = (self.floats("SCALAR", &times), self.floats(kind, values));
        let known = self.json["animations"].as_array().cloned().unwrap_or_default();
        let index = known.iter().position(|known| known["name"] == animation);
        let empty = json!({"name": animation, "channels": [], "samplers": []});
        let index = index.unwrap_or_else(|| self.push("animations", empty));
        let entry = &mut self.json["animations"][index];
        let samplers = entry["samplers"].as_array_mut().unwrap();
        samplers.push(json!({"input": input, "output": output}));
        let sampler = samplers.len() - 1;
        let channel = json!({"sampler": sampler, "target": {"node": node, "path": path}});
        entry["channels"].as_array_mut().unwrap().push(channel);
    }

    /// The file as text, its buffer within it.
    pub fn text(&self) -> String {
        let mut json = self.json.clone();
        let data = base64::engine::general_purpose::STANDARD.encode(&self.bytes);
        let uri = format!("data:application/octet-stream;base64,{data}");
        json["buffers"] = json!([{"byteLength": self.bytes.len(), "uri": uri}]);
        json.to_string()
    }

    /// The file as GLB.
    pub fn glb(&self) -> Vec<u8> {
        let mut json = self.json.clone();
        json["buffers"] = json!([{"byteLength": self.bytes.len()}]);
        let mut text = json.to_string().into_bytes();
        text.resize(text.len().next_multiple_of(4), b' ');
        let mut binary = self.bytes.clone();
        binary.resize(binary.len().next_multiple_of(4), 0);
        let mut file = b"glTF".to_vec();
        let length = 12 + 8 + text.len() + 8 + binary.len();
        file.extend([2, length as u32].iter().flat_map(|word| word.to_le_bytes()));
        for (kind, part) in [(*b"JSON", text), (*b"BIN\0", binary)] {
            file.extend((part.len() as u32).to_le_bytes());
            file.extend(kind);
            file.extend(part);
        }
        file
    }
}

/// Calls a function with a value, where a borrow would be in the way.
trait Pipe: Sized {
    fn pipe<T>(self, with: impl FnOnce(Self) -> T) -> T {
        with(self)
    }
}

impl Pipe for Value {}
