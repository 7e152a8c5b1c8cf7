// What a tile and an instance are on the GPU (the layouts are those of `src/render/gpu.rs`), and what both other shaders
// use. Stands in front of them.

struct Tile {
    clip_from_world: mat4x4<f32>,
    eye: vec4<f32>,
    // Ray direction of pixel (x, y) of the tile: origin + x * right + y * down, its length along forward being 1.
    ray_origin: vec4<f32>,
    ray_right: vec4<f32>,
    ray_down: vec4<f32>,
    sun_direction: vec4<f32>,
    sun_color: vec4<f32>,       // w: exposure
    sky_color: vec4<f32>,
    bounce_color: vec4<f32>,
    wall: vec4<f32>,            // xz: unit normal towards the camera, y: 1 if there is ground, w: offset along it
    pattern: vec4<f32>,         // scale in metres, contrast, seed
    color_a: vec4<f32>,
    color_b: vec4<f32>,
    color_c: vec4<f32>,
    ground: vec4<f32>,
    post: vec4<f32>,            // blur deviation in pixels, noise deviation, block side in pixels, seed
    place: vec4<u32>,           // left, top, width, height in the atlas
    range: vec4<u32>,           // first instance, one past the last
};

struct Instance {
    a: vec4<f32>,               // round cone: first end and radius; cuboid: centre
    b: vec4<f32>,               // round cone: second end and radius; cuboid: half side lengths
    rotation: vec4<f32>,        // cuboid: orientation as a quaternion
    color: vec4<f32>,
    ids: vec4<u32>,             // tile, id, kind (0 round cone, 1 cuboid)
};

struct TileVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) tile: u32,
};

// A triangle that covers a whole tile.
@vertex
fn tile_vertex(@builtin(vertex_index) corner: u32, @builtin(instance_index) tile: u32) -> TileVertex {
    var out: TileVertex;
    out.position = vec4(vec2(f32((corner << 1u) & 2u), f32(corner & 2u)) * 2.0 - 1.0, 0.0, 1.0);
    out.tile = tile;
    return out;
}

// Evenly distributed in [0, 1).
fn hash(n: vec3<u32>) -> f32 {
    var x = n.x * 0x9e3779b9u ^ n.y * 0x85ebca6bu ^ n.z * 0xc2b2ae35u;
    x = (x ^ (x >> 16u)) * 0x7feb352du;
    x = (x ^ (x >> 15u)) * 0x846ca68bu;
    return f32((x ^ (x >> 16u)) >> 8u) / 16777216.0;
}
