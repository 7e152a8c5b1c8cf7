// What a tile and an instance are on the GPU; the layouts are those of `src/render/gpu.rs`. Stands in front of both
// other shaders.

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
