// What is seen where: the planes of ground and wall, then a rectangle around each instance. The
// fragment shader finds the exact surface of the instance with a ray. Ids and depth come from that
// one hit.

// The clip depth, reversed, also says what a pixel shows, so that light can be confined to it:
// instances have CLIP_INSTANCES or more, up to 1. The same numbers are in
// `crates/marionette-render/src/layout.rs`; a test compares the two.
const CLIP_INSTANCES: f32 = 0.5;
const CLIP_GROUND: f32 = 0.25;
// Of walls and the sky.
const CLIP_WALL: f32 = 0.0;

struct Seen {
    @location(0) id: u32,
    @location(1) depth: f32,
    @location(2) instance: u32,
    @builtin(frag_depth) clip_depth: f32,
};

// What a rectangle around an instance is made from: `GpuOutline` in
// `crates/marionette-render/src/layout.rs`; a test compares the two.
struct Outline {
    @location(0) a: vec4<f32>,
    @location(1) b: vec4<f32>,
    @location(2) turn: vec4<f32>,
    // Its id, its place among the tile's instances.
    @location(3) which: vec2<u32>,
};

// A corner of a whole tile or of a rectangle around an instance, with the numbers of the tile that
// are needed to find what is seen.
struct SeenVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) a: vec4<f32>,
    @location(1) @interpolate(flat) b: vec4<f32>,
    @location(2) @interpolate(flat) turn: vec4<f32>,
    @location(3) @interpolate(flat) which: vec2<u32>,
    @location(4) @interpolate(flat) eye: vec4<f32>,
    @location(5) @interpolate(flat) ray_origin: vec4<f32>,
    @location(6) @interpolate(flat) ray_right: vec4<f32>,
    @location(7) @interpolate(flat) ray_down: vec4<f32>,
    @location(8) @interpolate(flat) forward: vec4<f32>,
    @location(9) @interpolate(flat) wall: vec4<f32>,
    @location(10) @interpolate(flat) place: vec4<u32>,
};

fn vertex_at(position: vec4<f32>, outline: Outline) -> SeenVertex {
    return SeenVertex(
        position, outline.a, outline.b, outline.turn, outline.which,
        tile.eye, tile.ray_origin, tile.ray_right, tile.ray_down, tile.forward, tile.wall, tile.place,
    );
}

fn set_tile(in: SeenVertex) {
    tile.eye = in.eye;
    tile.ray_origin = in.ray_origin;
    tile.ray_right = in.ray_right;
    tile.ray_down = in.ray_down;
    tile.forward = in.forward;
    tile.wall = in.wall;
    tile.place = in.place;
}

@vertex
fn tile_vertex(@builtin(vertex_index) corner: u32) -> SeenVertex {
    tile = uploaded;
    return vertex_at(corner_of_tile(corner), Outline());
}

@fragment
fn plane_fragment(in: SeenVertex) -> Seen {
    set_tile(in);
    let seen = plane(ray_through(in.position.xy));
    return Seen(0u, min(seen.depth, FAR), NONE, select(CLIP_WALL, CLIP_GROUND, seen.ground));
}

// A triangle and the rectangle of pixels around it: `GpuTriangle` in
// `crates/marionette-render/src/layout.rs`; a test compares the two.
struct TriangleOutline {
    // The corners in the camera's axes: right, down, forward, metres.
    @location(0) a: vec4<f32>,
    @location(1) b: vec4<f32>,
    @location(2) c: vec4<f32>,
    // Its id, its place, left and top, right and bottom of the rectangle in pixels of the tile.
    @location(3) which: vec4<u32>,
};

@vertex
fn triangle_vertex(@builtin(vertex_index) corner: u32, in: TriangleOutline) -> SeenVertex {
    tile = uploaded;
    let packed = vec2(select(in.which.z, in.which.w, (corner & 1u) != 0u), select(in.which.z, in.which.w, corner > 1u));
    let pixel = vec2(f32(packed.x & 0xffffu), f32(packed.y >> 16u));
    // The view's own pixels may stand for several of the tile's.
    let at = pixel / (vec2(tile.ray_right.w, tile.ray_down.w) * tile.motion.z);
    let position = vec4(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0.5, 1.0);
    return vertex_at(position, Outline(in.a, in.b, in.c, in.which.xy));
}

// A point in the camera's axes: right, down, forward.
fn from_camera(world: vec3<f32>) -> vec3<f32> {
    let v = world - tile.eye.xyz;
    return vec3(dot(v, normalize(tile.ray_right.xyz)), dot(v, normalize(tile.ray_down.xyz)), dot(v, tile.forward.xyz));
}

// A unit vector along `v`, or any unit vector if `v` is 0.
fn along_or_any(v: vec2<f32>) -> vec2<f32> {
    let length = length(v);
    return select(vec2(1.0, 0.0), v / max(length, 1e-9), length > 1e-6);
}

// Where a ball begins and ends along `direction` in the image of a pinhole camera, in focal
// lengths. The whole ball must lie in front of the camera. A line from the camera with slope s
// touches the ball where (c - s f)^2 = r^2 (1 + s^2).
fn ball_range(ball: vec4<f32>, direction: vec2<f32>) -> vec2<f32> {
    let c = dot(ball.xy, direction);
    let f = ball.z;
    let half = ball.w * sqrt(max(c * c + f * f - ball.w * ball.w, 0.0));
    return (c * f + vec2(-half, half)) / (f * f - ball.w * ball.w);
}

// A corner of a rectangle with sides along `direction` and across it. A pinhole camera sees it
// between `low` and `high`; the corner is where this camera's lens shows it. The margin is there
// because the lens bends a line by the distortion times its half length squared, and no place in an
// image is much more than a focal length from its middle. An instance that reaches behind the
// camera may be anywhere in the tile, so it gets the whole tile.
fn rectangle(corner: u32, direction: vec2<f32>, low: vec2<f32>, high: vec2<f32>, in_front: bool) -> vec4<f32> {
    let side = vec2(f32(corner & 1u), f32(corner >> 1u));
    let half = 0.5 * (high - low);
    let margin = 1.5 * abs(tile.forward.w) * dot(half, half) + (0.02 + 0.375 * tile.ray_origin.w) * length(tile.ray_right.xyz);
    let p = mix(low - margin, high + margin, side);
    let straight = direction * p.x + vec2(-direction.y, direction.x) * p.y;
    let root = sqrt(max(1.0 - 4.0 * tile.forward.w * dot(straight, straight), 0.0));
    let seen = straight * (2.0 / (1.0 + root));
    let across = normalize(tile.ray_right.xyz) * seen.x + normalize(tile.ray_down.xyz) * seen.y;
    let world = tile.eye.xyz + tile.forward.xyz + across;
    let clip = tile.clip_from_world * vec4(world, 1.0);
    return vec4(select(2.0 * side - 1.0, clip.xy / clip.w, in_front), 0.5, 1.0);
}

// A corner of a rectangle around a round cone.
fn around_cone(corner: u32, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    let first = vec4(from_camera(a.xyz), a.w);
    let second = vec4(from_camera(b.xyz), b.w);
    let in_front = min(first.z - first.w, second.z - second.w) > NEAR;
    let direction = along_or_any(second.xy / second.z - first.xy / first.z);
    let across = vec2(-direction.y, direction.x);
    let long = vec4(ball_range(first, direction), ball_range(second, direction));
    let wide = vec4(ball_range(first, across), ball_range(second, across));
    let low = vec2(min(long.x, long.z), min(wide.x, wide.z));
    let high = vec2(max(long.y, long.w), max(wide.y, wide.w));
    return rectangle(corner, direction, low, high, in_front);
}

@vertex
fn cone_vertex(@builtin(vertex_index) corner: u32, in: Outline) -> SeenVertex {
    tile = uploaded;
    return vertex_at(around_cone(corner, in.a, in.b), in);
}

@vertex
fn cuboid_vertex(@builtin(vertex_index) corner: u32, in: Outline) -> SeenVertex {
    tile = uploaded;
    let middle = from_camera(in.a.xyz);
    let x = from_camera(in.a.xyz + rotate(in.turn, vec3(in.b.x, 0.0, 0.0))) - middle;
    let y = from_camera(in.a.xyz + rotate(in.turn, vec3(0.0, in.b.y, 0.0))) - middle;
    let z = from_camera(in.a.xyz + rotate(in.turn, vec3(0.0, 0.0, in.b.z))) - middle;
    let longest = select(select(z, y, in.b.y > in.b.z), x, in.b.x > max(in.b.y, in.b.z));
    let direction = along_or_any(longest.xy * middle.z - middle.xy * longest.z);
    let across = vec2(-direction.y, direction.x);
    let in_front = middle.z - abs(x.z) - abs(y.z) - abs(z.z) > NEAR;
    var low = vec2(1e9);
    var high = vec2(-1e9);
    for (var k = 0u; k < 8u; k++) {
        let sides = select(vec3(-1.0), vec3(1.0), (vec3(k) & vec3(1u, 2u, 4u)) != vec3(0u));
        let p = middle + x * sides.x + y * sides.y + z * sides.z;
        let seen = vec2(dot(p.xy, direction), dot(p.xy, across)) / p.z;
        low = min(low, seen);
        high = max(high, seen);
    }
    return vertex_at(rectangle(corner, direction, low, high, in_front), in);
}

// An instance that a ray hits at `t` times `along`. The length of `along` on the camera's forward
// axis is 1, so `t` is the depth. The ground hides what has sunk into it.
fn seen_instance(t: f32, along: vec3<f32>, which: vec2<u32>) -> Seen {
    let sunk = (tile.eye.y + along.y * t < 0.0) & (tile.wall.y > 0.5);
    if ((t <= NEAR) | (t > FAR) | sunk) {
        discard;
    }
    return Seen(which.x, t, which.y, CLIP_INSTANCES + (1.0 - CLIP_INSTANCES) * NEAR / t);
}

@fragment
fn cone_fragment(in: SeenVertex) -> Seen {
    set_tile(in);
    // The ray comes from the pixel within the tile, not from the rectangle. An interpolated
    // position would be rounded differently in every place of the canvas, and a tile must not
    // depend on its place.
    let along = ray_through(in.position.xy);
    let stretch = inverseSqrt(dot(along, along));
    return seen_instance(cone_entry(tile.eye.xyz, along * stretch, in.a, in.b) * stretch, along, in.which);
}

@fragment
fn cuboid_fragment(in: SeenVertex) -> Seen {
    set_tile(in);
    let along = ray_through(in.position.xy);
    return seen_instance(cuboid_entry(tile.eye.xyz, along, in.a.xyz, in.b.xyz, in.turn), along, in.which);
}

// `is_met` in `crates/marionette-render/src/triangles.rs` is the twin on the CPU.
@fragment
fn triangle_fragment(in: SeenVertex) -> Seen {
    set_tile(in);
    let along = ray_through(in.position.xy);
    let s = shares(in.a.xyz, in.b.xyz, in.turn.xyz, straight(along));
    let slack = 1e-6 * dot(abs(s), vec3(1.0));
    let sum = s.x + s.y + s.z;
    if (min(s.x, min(s.y, s.z)) < -slack && max(s.x, max(s.y, s.z)) > slack) || sum == 0.0 {
        discard;
    }
    // Where a triangle is seen from its edge, its depth is not found well.
    let depths = vec3(in.a.z, in.b.z, in.turn.z);
    let least = min(depths.x, min(depths.y, depths.z));
    let most = max(depths.x, max(depths.y, depths.z));
    return seen_instance(clamp(dot(s, depths) / sum, least, most), along, in.which);
}

fn sphere_entry(from_centre: vec3<f32>, direction: vec3<f32>, radius: f32) -> f32 {
    let along = dot(from_centre, direction);
    let discriminant = along * along - dot(from_centre, from_centre) + radius * radius;
    return select(MISS, -along - sqrt(max(discriminant, 0.0)), discriminant > 0.0);
}

// Where a ray first hits a round cone, the union of the spheres with centres a + s (b - a) and
// radii ra - s (ra - rb). A point at distance t is inside some sphere where F(t, s) = A - 2 s B +
// s^2 D < 0; over free s the least F is A - B^2 / D, so the side surface solves D A - B^2 = 0 and
// counts where s = B / D lies in [0, 1]; elsewhere the nearer end sphere is hit. `RoundCone::ray`
// is the twin on the CPU.
fn cone_entry(origin: vec3<f32>, direction: vec3<f32>, a: vec4<f32>, b: vec4<f32>) -> f32 {
    let axis = b.xyz - a.xyz;
    let taper = a.w - b.w;
    let from_a = origin - a.xyz;
    let ends = min(sphere_entry(from_a, direction, a.w), sphere_entry(origin - b.xyz, direction, b.w));
    let d = dot(axis, axis) - taper * taper;
    let axial_speed = dot(axis, direction);
    let axial_start = dot(axis, from_a) - a.w * taper;
    let quadratic = d - axial_speed * axial_speed;
    let half_linear = d * dot(from_a, direction) - axial_speed * axial_start;
    let constant = d * (dot(from_a, from_a) - a.w * a.w) - axial_start * axial_start;
    let discriminant = half_linear * half_linear - quadratic * constant;
    let t = (-half_linear - sqrt(max(discriminant, 0.0))) / quadratic;
    let s = (axial_start + t * axial_speed) / d;
    return select(ends, t, (d > 0.0) & (discriminant >= 0.0) & (s > 0.0) & (s < 1.0));
}
