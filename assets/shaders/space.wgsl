// Where things are: instances, rays through the camera's lens, the planes of ground and wall, the
// sun or lamp. This file stands behind `tile_data.wgsl` and in front of the shaders that draw a
// tile.

// A round cone or a cuboid. The same layout is `GpuInstance` in
// `crates/marionette-render/src/layout.rs`; a test compares the two.
struct Instance {
    a: vec4<f32>,               // round cone: first end and radius; cuboid: centre
    b: vec4<f32>,               // round cone: second end and radius; cuboid: half side lengths
    color: vec4<f32>,           // w: 0 round cone, 1 cuboid
    turn: vec4<f32>,            // orientation of a cuboid, and of the coordinates of any pattern, as a quaternion
    origin: vec4<f32>,          // `a` in those coordinates, w: its fabric
    pieces: vec4<u32>,          // x: the lists of what may take light from its pieces, see `piece_of`; y: the list for the triangles that it stands for
};

// `Camera::NEAR` and `FAR_DEPTH`, metres.
const NEAR: f32 = 0.05;
const FAR: f32 = 1000.0;
// The distance of what a ray does not hit.
const MISS: f32 = 1e20;
// No instance: the backdrop.
const NONE: u32 = 0xffffu;

fn rotate(q: vec4<f32>, v: vec3<f32>) -> vec3<f32> {
    return v + 2.0 * cross(q.xyz, cross(q.xyz, v) + q.w * v);
}

// A unit vector across `unit`.
fn perpendicular(unit: vec3<f32>) -> vec3<f32> {
    let helper = select(vec3(1.0, 0.0, 0.0), vec3(0.0, 1.0, 0.0), abs(unit.x) > 0.7);
    return normalize(helper - unit * dot(unit, helper));
}

// Where a ray enters a cuboid, in lengths of `direction`.
fn cuboid_entry(origin: vec3<f32>, direction: vec3<f32>, centre: vec3<f32>, half: vec3<f32>, turn: vec4<f32>) -> f32 {
    let inverse = vec4(-turn.xyz, turn.w);
    let o = rotate(inverse, origin - centre);
    let d = rotate(inverse, direction);
    let safe = select(d, vec3(1e-9), abs(d) < vec3(1e-9));
    let near = (-sign(safe) * half - o) / safe;
    let far = (sign(safe) * half - o) / safe;
    let t = max(near.x, max(near.y, near.z));
    return select(t, MISS, t > min(far.x, min(far.y, far.z)));
}

// The ray through the middle of a pixel in the canvas. Its length along the camera's forward axis
// is 1. If rays are moved about, each row moves its rays -3, 1, -1 or 3 eighths of a pixel to the
// right, and each column moves them as much down. Otherwise an edge along a row or a column would
// snap to it.
fn ray_through(position: vec2<f32>) -> vec3<f32> {
    let middle = position - vec2<f32>(tile.place.xy);
    let p = middle + tile.ray_origin.w * (0.75 * fract(0.5 * middle.yx) + 0.5 * fract(0.25 * middle.yx) - 0.625);
    let across = tile.ray_origin.xyz - tile.forward.xyz + tile.ray_right.xyz * p.x + tile.ray_down.xyz * p.y;
    return tile.forward.xyz + across / (1.0 + tile.forward.w * dot(across, across));
}

// The way of a ray in the image of a pinhole camera, in focal lengths. The ray's length along the
// camera's forward axis is 1.
fn straight(along: vec3<f32>) -> vec2<f32> {
    return vec2(dot(along, normalize(tile.ray_right.xyz)), dot(along, normalize(tile.ray_down.xyz)));
}

// The shares of the three corners of a triangle, in the camera's axes, at the point where a ray
// meets its plane, times one number. All have the same sign where it meets the triangle itself. The
// corners are moved so that the ray is the forward axis: small numbers keep their digits.
fn shares(a: vec3<f32>, b: vec3<f32>, c: vec3<f32>, ray: vec2<f32>) -> vec3<f32> {
    let p = a.xy - ray * a.z;
    let q = b.xy - ray * b.z;
    let r = c.xy - ray * c.z;
    return vec3(q.x * r.y - q.y * r.x, r.x * p.y - r.y * p.x, p.x * q.y - p.y * q.x);
}

struct Plane {
    depth: f32,
    normal: vec3<f32>,
    // Along the plane, metres.
    surface: vec2<f32>,
    ground: bool,
};

// The ground or wall that is seen along a ray. The ray's length along the camera's forward axis is
// 1.
fn plane(along: vec3<f32>) -> Plane {
    let eye = tile.eye.xyz;
    var seen = Plane(FAR, vec3(0.0), vec2(0.0), false);
    if (along.y < -1e-5 && tile.wall.y > 0.5) {
        seen.depth = -eye.y / along.y;
        seen.normal = vec3(0.0, 1.0, 0.0);
        seen.surface = (eye + along * seen.depth).xz;
        seen.ground = true;
    }
    let wall_normal = vec3(tile.wall.x, 0.0, tile.wall.z);
    let towards = dot(along, wall_normal);
    if (towards < -1e-5) {
        let wall_depth = (tile.wall.w - dot(eye, wall_normal)) / towards;
        if (wall_depth > 0.0 && wall_depth < seen.depth) {
            seen.depth = wall_depth;
            seen.normal = wall_normal;
            let hit = eye + along * wall_depth;
            seen.surface = vec2(dot(hit, vec3(-tile.wall.z, 0.0, tile.wall.x)), hit.y);
            seen.ground = false;
        }
    }
    return seen;
}

// The sun or lamp as seen from a point.
struct Key {
    direction: vec3<f32>,
    distance: f32,
    strength: f32,
};

fn key_light(point: vec3<f32>) -> Key {
    let is_lamp = tile.sun_direction.w;
    let towards = tile.sun_direction.xyz - point * is_lamp;
    let squared = max(dot(towards, towards), 0.01);
    let direction = towards * inverseSqrt(squared);
    let cutoff = tile.lamp.w;
    let in_cone = smoothstep(cutoff, mix(cutoff, 1.0, 0.3), -dot(direction, tile.lamp.xyz));
    let strength = mix(1.0, min(tile.bounce_color.w / squared, 8.0) * select(in_cone, 1.0, cutoff <= -1.0), is_lamp);
    return Key(direction, select(MISS * 0.5, sqrt(squared), is_lamp > 0.5), strength);
}
