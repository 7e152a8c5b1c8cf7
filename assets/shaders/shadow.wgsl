// How much of the sun's or lamp's light arrives at a point, past all instances. This file stands in
// front of `light.wgsl`.

// The tile's lists of shadow casters: `CasterLists` in
// `crates/marionette-render/src/casters/lists.rs`. Each list has a head with three places: of its
// first round cone, of its first cuboid, and one past its last member. Behind the heads come the
// members of all lists, eight to a vector.
@group(3) @binding(0) var<uniform> lists: array<vec4<u32>, 4096>;
@group(2) @binding(0) var<uniform> instances: array<Instance, 640>;

fn member(place: u32) -> u32 {
    return (lists[place >> 3u][(place >> 1u) & 3u] >> ((place & 1u) << 4u)) & 0xffffu;
}

// How much of the light from a disc passes a round cone. The gap is measured where the ray comes
// closest to the cone, and so is the apparent size of the disc. All light passes if the gap is as
// wide as the disc, nothing passes if the ray is as deep inside the cone.
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

// The direction of a place on the disc. Each pixel has another place.
fn aimed_at_disc(direction: vec3<f32>, pixel: vec2<u32>) -> vec3<f32> {
    let n = vec3(pixel, 977u);
    let angle = 6.2831853 * hash(n);
    let radius = tile.sky_color.w * sqrt(hash(n + vec3(0u, 0u, 1u)));
    let x = perpendicular(direction);
    let y = cross(direction, x);
    return normalize(direction + radius * (x * cos(angle) + y * sin(angle)));
}

// The share of the light of the sun or lamp that passes the instances of a list. The `skip`th
// instance takes no light.
//
// For cuboids one ray to one place on the disc is tested, so their penumbras are grainy.
//
// A software rasteriser runs several pixels in step and runs both sides of every branch. It goes
// through a loop at least once and leaves it when no pixel is left in it. So the lists are as short
// as possible, and places without shadows have a pipeline without this function.
fn lit_from(point: vec3<f32>, key: Key, pixel: vec2<u32>, list: u32, skip: u32, may_be_lit: bool) -> f32 {
    let direction = key.direction;
    let distance = key.distance;
    let head = lists[list];
    var lit = select(0.0, 1.0, may_be_lit);
    for (var k = head.x; k < head.y && lit > 0.0; k++) {
        let caster = member(k);
        lit = select(min(lit, passes(point, direction, instances[caster].a, instances[caster].b, distance)), lit, caster == skip);
    }
    for (var k = head.y; k < head.z && lit > 0.0; k++) {
        let caster = member(k);
        let aimed = aimed_at_disc(direction, pixel);
        let t = cuboid_entry(point, aimed, instances[caster].a.xyz, instances[caster].b.xyz, instances[caster].turn);
        lit = select(lit, 0.0, (t > 0.0) & (t < distance) & (caster != skip));
    }
    return lit;
}
