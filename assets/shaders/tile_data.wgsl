// What a tile is on the GPU, and what all shaders use. This file stands in front of them.

// One view of a tile: of every pixel, or of one ray for every square of pixels. The same layout is
// `GpuTile` in `crates/marionette-render/src/layout.rs`; a test compares the two.
struct Tile {
    clip_from_world: mat4x4<f32>,
    eye: vec4<f32>,             // w: cells along each side, for shadows
    // Ray direction of pixel (x, y) of the view: origin + x * right + y * down, its length along
    // forward being 1.
    ray_origin: vec4<f32>,      // w: 1 where rays are moved about, else 0
    ray_right: vec4<f32>,       // w: the tile's width in pixels of the view
    ray_down: vec4<f32>,        // w: its height
    forward: vec4<f32>,         // w: distortion, λ of the division model in focal lengths
    sun_direction: vec4<f32>,   // w: 0; or w: 1, and xyz is where the lamp is
    sun_color: vec4<f32>,       // w: exposure
    sky_color: vec4<f32>,       // w: radius of the sun or lamp over its distance
    bounce_color: vec4<f32>,    // w: distance squared at which a lamp has its strength
    lamp: vec4<f32>,            // unit vector in which it shines, cosine of the angle where its light ends
    wall: vec4<f32>,            // xz: unit normal towards the camera, y: 1 if there is ground, w: offset along it
    pattern: vec4<f32>,         // scale in metres, contrast, seed, picture behind
    color_a: vec4<f32>,
    color_b: vec4<f32>,
    color_c: vec4<f32>,
    ground: vec4<f32>,          // w: picture on the ground
    post: vec4<f32>,            // blur deviation in pixels of the view, noise deviation, block side in pixels, seed
    lens: vec4<f32>,            // blur deviation of infinity in pixels of the view, sharp depth in metres, corner darkening, shot noise
    motion: vec4<f32>,          // xy: deviation of the motion in pixels of the view, z: pixels for one of the view's
    tone: vec4<f32>,            // contrast, saturation, share of the range that highlights are pressed into
    place: vec4<u32>,           // left, top, width, height of the view in its canvas
    picture: vec4<u32>,         // left, top, width, height in the atlas
};

// The tile being drawn, as it was uploaded: a part of a uniform buffer. Only vertex shaders read
// it. They hand the numbers on to fragment shaders as flat inputs, which are the same all over a
// triangle. A software rasteriser reads a flat input once for a triangle. It reads a uniform buffer
// once for every pixel, in twenty steps for each number. Mesa's rasteriser also builds a shader
// anew for every number in a uniform buffer that ends a loop.
@group(0) @binding(0) var<uniform> uploaded: Tile;

// The tile being drawn. It holds only the numbers that the running shader needs. Every entry point
// sets it before anything else.
var<private> tile: Tile;

// A corner of a triangle that covers a whole tile. The viewport gives it its depth.
fn corner_of_tile(corner: u32) -> vec4<f32> {
    return vec4(vec2(f32((corner << 1u) & 2u), f32(corner & 2u)) * 2.0 - 1.0, 0.0, 1.0);
}

// To hash a place, its coordinates are multiplied by these and put together.
const SPREAD: vec3<u32> = vec3(0x9e3779b9u, 0x85ebca6bu, 0xc2b2ae35u);

// All 32 bits of the result are evenly distributed.
fn scrambled(spread: u32) -> u32 {
    var x = spread;
    x = (x ^ (x >> 16u)) * 0x7feb352du;
    x = (x ^ (x >> 15u)) * 0x846ca68bu;
    return x ^ (x >> 16u);
}

fn hashed(n: vec3<u32>) -> u32 {
    let spread = n * SPREAD;
    return scrambled(spread.x ^ spread.y ^ spread.z);
}

// Evenly distributed in [0, 1).
fn unit(scrambled: u32) -> f32 {
    return f32(scrambled >> 8u) / 16777216.0;
}

fn hash(n: vec3<u32>) -> f32 {
    return unit(hashed(n));
}
