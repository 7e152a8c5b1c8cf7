// How much of the sun's or lamp's light arrives at a point, past all instances. Stands in front of `light.wgsl`.

// Instances of one kind that are near to one another.
struct Group {
    bound: vec4<f32>,           // a sphere around them all; its radius is negative where there are none
    range: vec4<u32>,           // first, one past the last
};

// Of the tile being drawn, like the tile itself: 24 groups of round cones, then 8 of cuboids.
@group(0) @binding(1) var<uniform> groups: array<Group, 32>;
@group(0) @binding(2) var<uniform> instances: array<Instance, 640>;

// Whether a ray, wider by `softness` with every metre, can meet anything within `sphere`.
fn may_meet(origin: vec3<f32>, direction: vec3<f32>, sphere: vec4<f32>, softness: f32) -> bool {
    let towards = sphere.xyz - origin;
    let along = dot(towards, direction);
    let reach = sphere.w + softness * (max(along, 0.0) + sphere.w);
    return (dot(towards, towards) - along * along < reach * reach) & (along > -sphere.w) & (sphere.w > 0.0);
}

// Which of eight groups, from the `first` on, may be in the way, as bits. Mesa's compiler unrolls the loop, and a software
// rasteriser reads a buffer at a place that it knows in advance once for many pixels, at another one once for every pixel.
fn groups_met(first: u32, point: vec3<f32>, direction: vec3<f32>) -> u32 {
    var met = 0u;
    for (var g = 0u; g < 8u; g++) {
        met |= select(0u, 1u << g, may_meet(point, direction, groups[first + g].bound, tile.sky_color.w));
    }
    return met;
}

// How much of the light from a disc passes a round cone: all where the ray is clear of it by the disc's size as seen from where it comes
// closest, nothing where it is as deep inside.
fn passes(point: vec3<f32>, direction: vec3<f32>, a: vec4<f32>, b: vec4<f32>, distance: f32) -> f32 {
    let axis = b.xyz - a.xyz;
    let from_a = point - a.xyz;
    let lean = dot(axis, direction);
    let squared = max(dot(axis, axis), 1e-9);
    let upright = max(squared - lean * lean, 1e-9);
    let ahead = dot(from_a, direction);
    let nearest = (dot(from_a, axis) - ahead * lean) / upright;
    let t = max(clamp(nearest, 0.0, 1.0) * lean - ahead, 0.0);
    let closest = from_a + direction * t;
    let s = clamp(dot(closest, axis) / squared, 0.0, 1.0);
    let gap = length(closest - axis * s) - mix(a.w, b.w, s);
    let width = tile.sky_color.w * t + 1e-4;
    return select(smoothstep(-width, width, gap), 1.0, (t <= 0.0) | (t >= distance));
}

// The direction of a place on the disc, another one for each pixel.
fn aimed_at_disc(direction: vec3<f32>, pixel: vec2<u32>) -> vec3<f32> {
    let n = vec3(pixel, 977u);
    let angle = 6.2831853 * hash(n);
    let radius = tile.sky_color.w * sqrt(hash(n + vec3(0u, 0u, 1u)));
    let x = perpendicular(direction);
    let y = cross(direction, x);
    return normalize(direction + radius * (x * cos(angle) + y * sin(angle)));
}

// The share of the light of a disc in `direction`, at `distance`, that no instance but `skip` takes away.
//
// Cuboids are met or missed by a ray to one place on the disc: their penumbras are grainy.
//
// A software rasteriser runs several pixels in step, and both sides of every branch; a loop it goes through at least once, and leaves
// once no pixel is left in it. So what not every pixel needs many times is a loop, each pixel goes through the groups that may be in its
// own way, and where no shadow can be a pipeline without this function serves: see `src/render/shadowed.rs`.
//
// No loop ends at a number that stands at a fixed place in a uniform buffer: Mesa's software driver would build the shader anew for
// every tile, with that number in it.
fn lit_from(point: vec3<f32>, key: Key, pixel: vec2<u32>, skip: u32, may_be_lit: bool) -> f32 {
    let direction = key.direction;
    let distance = key.distance;
    var lit = select(0.0, 1.0, may_be_lit);
    let first = groups_met(0u, point, direction) | groups_met(8u, point, direction) << 8u;
    var cones = select(0u, first | groups_met(16u, point, direction) << 16u, may_be_lit);
    while (cones != 0u) {
        let range = groups[firstTrailingBit(cones)].range;
        cones &= cones - 1u;
        for (var k = range.x; k < range.y; k++) {
            lit = select(min(lit, passes(point, direction, instances[k].a, instances[k].b, distance)), lit, k == skip);
        }
        cones = select(cones, 0u, lit <= 0.0);
    }
    var cuboids = select(0u, groups_met(24u, point, direction), lit > 0.0);
    while (cuboids != 0u) {
        let range = groups[24u + firstTrailingBit(cuboids)].range;
        cuboids &= cuboids - 1u;
        let aimed = aimed_at_disc(direction, pixel);
        for (var k = range.x; k < range.y; k++) {
            let t = cuboid_entry(point, aimed, instances[k].a.xyz, instances[k].b.xyz, instances[k].turn);
            lit = select(lit, 0.0, (t > 0.0) & (t < distance) & (k != skip));
        }
        cuboids = select(cuboids, 0u, lit <= 0.0);
    }
    return lit;
}
