// Draws every tile of the atlas: a backdrop triangle per tile, then one box of 12 triangles around each instance (a round
// cone or a cuboid), whose exact surface the fragment shader finds with a ray. Ids and depth come from the same hit as
// the colour.

@group(0) @binding(0) var<storage, read> tiles: array<Tile>;
@group(0) @binding(1) var<storage, read> instances: array<Instance>;
// A sphere around each instance: centre and radius.
@group(0) @binding(2) var<storage, read> bounds: array<vec4<f32>>;

const FAR: f32 = 1000.0;
const MISS: f32 = 1e20;

struct Hit {
    normal: vec3<f32>,
    t: f32,
};

fn rotate(q: vec4<f32>, v: vec3<f32>) -> vec3<f32> {
    return v + 2.0 * cross(q.xyz, cross(q.xyz, v) + q.w * v);
}

fn sphere_entry(from_centre: vec3<f32>, direction: vec3<f32>, radius: f32) -> f32 {
    let along = dot(from_centre, direction);
    let discriminant = along * along - dot(from_centre, from_centre) + radius * radius;
    return select(MISS, -along - sqrt(max(discriminant, 0.0)), discriminant > 0.0);
}

// First hit of a ray with a round cone, the union of the spheres with centres a + s (b - a) and radii ra - s (ra - rb).
// A point at distance t is inside some sphere where F(t, s) = A - 2 s B + s^2 D < 0; over free s the least F is
// A - B^2 / D, so the side surface solves D A - B^2 = 0 and counts where s = B / D lies in [0, 1]; elsewhere the nearer
// end sphere is hit. `RoundCone::ray` is the twin on the CPU.
fn round_cone(origin: vec3<f32>, direction: vec3<f32>, a: vec4<f32>, b: vec4<f32>) -> Hit {
    let axis = b.xyz - a.xyz;
    let taper = a.w - b.w;
    let from_a = origin - a.xyz;
    let d = dot(axis, axis) - taper * taper;
    if (d > 0.0) {
        let axial_speed = dot(axis, direction);
        let axial_start = dot(axis, from_a) - a.w * taper;
        let quadratic = d - axial_speed * axial_speed;
        let half_linear = d * dot(from_a, direction) - axial_speed * axial_start;
        let constant = d * (dot(from_a, from_a) - a.w * a.w) - axial_start * axial_start;
        let discriminant = half_linear * half_linear - quadratic * constant;
        if (discriminant >= 0.0) {
            let t = (-half_linear - sqrt(discriminant)) / quadratic;
            let s = (axial_start + t * axial_speed) / d;
            if (s > 0.0 && s < 1.0) {
                return Hit(normalize(from_a + t * direction - s * axis), t);
            }
        }
    }
    let ta = sphere_entry(from_a, direction, a.w);
    let tb = sphere_entry(origin - b.xyz, direction, b.w);
    let t = min(ta, tb);
    return Hit(normalize(select(origin - b.xyz, from_a, ta <= tb) + t * direction), t);
}

fn cuboid(origin: vec3<f32>, direction: vec3<f32>, instance: Instance) -> Hit {
    let inverse = vec4(-instance.rotation.xyz, instance.rotation.w);
    let o = rotate(inverse, origin - instance.a.xyz);
    let d = rotate(inverse, direction);
    let safe = select(d, vec3(1e-9), abs(d) < vec3(1e-9));
    let near = (-sign(safe) * instance.b.xyz - o) / safe;
    let far = (sign(safe) * instance.b.xyz - o) / safe;
    let t = max(near.x, max(near.y, near.z));
    if (t > min(far.x, min(far.y, far.z))) {
        return Hit(vec3(0.0, 1.0, 0.0), MISS);
    }
    let face = select(vec3(0.0), -sign(safe), near == vec3(t));
    return Hit(normalize(rotate(instance.rotation, face)), t);
}

fn intersect(origin: vec3<f32>, direction: vec3<f32>, instance: Instance) -> Hit {
    if (instance.ids.z == 0u) {
        return round_cone(origin, direction, instance.a, instance.b);
    }
    return cuboid(origin, direction, instance);
}

// Whether the ray can meet instance `k` at all: most instances are nowhere near most shadow rays.
fn may_meet(origin: vec3<f32>, direction: vec3<f32>, k: u32) -> bool {
    let sphere = bounds[k];
    let towards = sphere.xyz - origin;
    let along = dot(towards, direction);
    return dot(towards, towards) - along * along < sphere.w * sphere.w && along > -sphere.w;
}

// 1 in the sun, 0 in the shadow of any instance but `skip`.
//
// The inner loop only steps to the next instance worth a closer look. A software rasteriser runs both sides of every
// branch, so an exact test behind an `if` would be paid for every instance; behind a loop it is paid for the few candidates.
fn in_sun(tile: u32, point: vec3<f32>, skip: u32) -> f32 {
    let end = tiles[tile].range.y;
    let direction = tiles[tile].sun_direction.xyz;
    var k = tiles[tile].range.x;
    loop {
        loop {
            if (k >= end || (k != skip && may_meet(point, direction, k))) {
                break;
            }
            k++;
        }
        if (k >= end) {
            break;
        }
        let t = intersect(point, direction, instances[k]).t;
        if (t > 0.0 && t < MISS * 0.5) {
            return 0.0;
        }
        k++;
    }
    return 1.0;
}

fn shade(tile: u32, albedo: vec3<f32>, point: vec3<f32>, normal: vec3<f32>, skip: u32) -> vec3<f32> {
    let t = tiles[tile];
    let facing = dot(normal, t.sun_direction.xyz);
    var sun = 0.0;
    if (facing > 0.0) {
        sun = facing * in_sun(tile, point + normal * 0.004, skip);
    }
    let ambient = mix(t.bounce_color.rgb, t.sky_color.rgb, 0.5 + 0.5 * normal.y);
    return albedo * (t.sun_color.rgb * sun + ambient) * t.sun_color.w;
}

// The ray through a position in the atlas, its length along the camera's forward axis being 1.
fn ray_through(tile: u32, position: vec2<f32>) -> vec3<f32> {
    let p = position - vec2<f32>(tiles[tile].place.xy);
    return tiles[tile].ray_origin.xyz + tiles[tile].ray_right.xyz * p.x + tiles[tile].ray_down.xyz * p.y;
}

// ---- instances ----

struct InstanceVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) instance: u32,
};

@vertex
fn instance_vertex(@location(0) corner: vec4<f32>, @builtin(instance_index) index: u32) -> InstanceVertex {
    let instance = instances[index];
    var world: vec3<f32>;
    if (instance.ids.z == 0u) {
        let along = instance.b.xyz - instance.a.xyz;
        let length = max(length(along), 1e-6);
        let z = select(vec3(0.0, 0.0, 1.0), along / length, length > 1e-5);
        let helper = select(vec3(1.0, 0.0, 0.0), vec3(0.0, 1.0, 0.0), abs(z.x) > 0.9);
        let x = normalize(helper - z * dot(z, helper));
        let y = cross(z, x);
        let radius = max(instance.a.w, instance.b.w);
        // Either ball may reach beyond the other, at both ends.
        let low = min(-instance.a.w, length - instance.b.w);
        let high = max(instance.a.w, length + instance.b.w);
        world = instance.a.xyz + (x * corner.x + y * corner.y) * radius + z * select(low, high, corner.z > 0.0);
    } else {
        world = instance.a.xyz + rotate(instance.rotation, corner.xyz * instance.b.xyz);
    }
    var out: InstanceVertex;
    out.position = tiles[instance.ids.x].clip_from_world * vec4(world, 1.0);
    out.instance = index;
    return out;
}

struct Pixel {
    @location(0) color: vec4<f32>,
    @location(1) id: u32,
    @location(2) depth: f32,
    @builtin(frag_depth) clip_depth: f32,
};

@fragment
fn instance_fragment(in: InstanceVertex) -> Pixel {
    let instance = instances[in.instance];
    let tile = instance.ids.x;
    let eye = tiles[tile].eye.xyz;
    // From the pixel within the tile, not from the box: an interpolated position is rounded otherwise in every place of the
    // atlas, and a tile must not depend on its place.
    let direction = normalize(ray_through(tile, in.position.xy));
    let hit = intersect(eye, direction, instance);
    if (hit.t <= 0.0 || hit.t > FAR) {
        discard;
    }
    let point = eye + direction * hit.t;
    let clip = tiles[tile].clip_from_world * vec4(point, 1.0);
    // Cloth and wood are not one flat colour.
    let grain = 0.88 + 0.24 * noise(point * 23.0 + vec3(f32(instance.ids.y)));
    var out: Pixel;
    out.color = vec4(shade(tile, instance.color.rgb * grain, point, hit.normal, in.instance), 1.0);
    out.id = instance.ids.y;
    out.depth = clip.w;
    out.clip_depth = clip.z / clip.w;
    return out;
}

// ---- backdrop ----

struct BackdropPixel {
    @location(0) color: vec4<f32>,
    @location(1) id: u32,
    @location(2) depth: f32,
};

@fragment
fn backdrop_fragment(in: TileVertex) -> BackdropPixel {
    let t = tiles[in.tile];
    let eye = t.eye.xyz;
    // Distances along it are depths.
    let along = ray_through(in.tile, in.position.xy);
    var depth = FAR;
    var normal = vec3(0.0);
    var surface = vec2(0.0);
    var ground = false;
    if (along.y < -1e-5 && t.wall.y > 0.5) {
        depth = -eye.y / along.y;
        normal = vec3(0.0, 1.0, 0.0);
        surface = (eye + along * depth).xz;
        ground = true;
    }
    let wall_normal = vec3(t.wall.x, 0.0, t.wall.z);
    let towards = dot(along, wall_normal);
    if (towards < -1e-5) {
        let wall_depth = (t.wall.w - dot(eye, wall_normal)) / towards;
        if (wall_depth > 0.0 && wall_depth < depth) {
            depth = wall_depth;
            normal = wall_normal;
            let hit = eye + along * depth;
            surface = vec2(dot(hit, vec3(-t.wall.z, 0.0, t.wall.x)), hit.y);
            ground = false;
        }
    }
    var out: BackdropPixel;
    out.id = 0u;
    out.depth = min(depth, FAR);
    if (depth >= FAR) {
        // Neither wall nor ground: the sky itself.
        let up = normalize(along).y;
        out.color = vec4(mix(t.color_a.rgb, t.color_b.rgb, 0.5 + 0.5 * up) * t.sky_color.rgb * t.sun_color.w, 1.0);
        return out;
    }
    // Far away the pattern is finer than a pixel: fade it to its mean instead of letting it flicker.
    let pixel = depth * length(t.ray_right.xyz);
    let sharp = clamp(1.5 - 2.0 * pixel / t.pattern.x, 0.0, 1.0);
    let wall_mean = (t.color_a.rgb + t.color_b.rgb + t.color_c.rgb) / 3.0;
    let mean = select(wall_mean, t.ground.rgb, ground);
    let patterned = select(wall_pattern(t, surface), ground_pattern(t, surface), ground);
    let albedo = mix(mean, patterned, sharp);
    out.color = vec4(shade(in.tile, albedo, eye + along * depth, normal, 0xffffffffu), 1.0);
    return out;
}

fn lattice(p: vec3<f32>) -> vec3<u32> {
    return bitcast<vec3<u32>>(vec3<i32>(floor(p)));
}

fn noise(p: vec3<f32>) -> f32 {
    let cell = lattice(p);
    let f = fract(p);
    let s = f * f * (3.0 - 2.0 * f);
    let o = vec2(0u, 1u);
    let low = mix(mix(hash(cell), hash(cell + o.yxx), s.x), mix(hash(cell + o.xyx), hash(cell + o.yyx), s.x), s.y);
    let high = mix(mix(hash(cell + o.xxy), hash(cell + o.yxy), s.x), mix(hash(cell + o.xyy), hash(cell + o.yyy), s.x), s.y);
    return mix(low, high, s.z);
}

fn pick(t: Tile, x: f32) -> vec3<f32> {
    return select(select(t.color_c.rgb, t.color_b.rgb, x < 0.67), t.color_a.rgb, x < 0.33);
}

// The albedo of the ground at `p`, metres.
fn ground_pattern(t: Tile, p: vec2<f32>) -> vec3<f32> {
    let q = p / t.pattern.x;
    let contrast = t.pattern.y;
    let mottled = t.ground.rgb * (1.0 + contrast * (noise(vec3(q * 3.0, t.pattern.z + 31.0)) - 0.5));
#ifdef TILES
    let cell = lattice(vec3(q, 0.0));
    return mix(mottled, t.color_b.rgb, f32((cell.x + cell.y) & 1u) * (0.2 + 0.6 * contrast));
#else ifdef BRICKS
    return mix(mottled, t.color_b.rgb, f32(lattice(vec3(q, 0.0)).x & 1u) * (0.2 + 0.6 * contrast));
#else
    return mottled;
#endif
}

// The albedo of the wall at `p`, metres. Each kind of backdrop has a pipeline of its own: one shader with a switch would
// make a software rasteriser compute every kind for every pixel.
fn wall_pattern(t: Tile, p: vec2<f32>) -> vec3<f32> {
    let q = p / t.pattern.x;
    let seed = t.pattern.z;
#ifdef FIELD
    let cloud = 0.5 * noise(vec3(q, seed)) + 0.3 * noise(vec3(q * 2.1, seed + 7.0)) + 0.2 * noise(vec3(q * 4.3, seed + 13.0));
    return mix(mix(t.color_a.rgb, t.color_b.rgb, smoothstep(0.25, 0.5, cloud)), t.color_c.rgb, smoothstep(0.5, 0.75, cloud));
#else ifdef TILES
    let cell = lattice(vec3(q, seed));
    let joint = max(abs(fract(q.x) - 0.5), abs(fract(q.y) - 0.5));
    return mix(pick(t, hash(cell)), t.color_c.rgb * 0.5, smoothstep(0.44, 0.48, joint));
#else ifdef BRICKS
    let row = floor(q.y * 2.0);
    let shifted = vec2(q.x + 0.5 * (row - 2.0 * floor(row * 0.5)), q.y * 2.0);
    let cell = lattice(vec3(shifted, seed));
    let joint = max(abs(fract(shifted.x) - 0.5) * 2.0 - 0.9, abs(fract(shifted.y) - 0.5) * 2.0 - 0.8);
    return mix(mix(t.color_a.rgb, t.color_b.rgb, hash(cell)), t.color_c.rgb, smoothstep(0.0, 0.1, joint));
#else ifdef BLOCKS
    var color = t.color_a.rgb;
    for (var layer = 0u; layer < 3u; layer++) {
        let s = q * (0.4 + 0.45 * f32(layer)) + vec2(seed + 3.7 * f32(layer), 1.3 * f32(layer));
        let cell = lattice(vec3(s, f32(layer)));
        let half = vec2(0.2) + 0.28 * vec2(hash(cell + vec3(1u)), hash(cell + vec3(2u)));
        let inside = all(abs(fract(s) - 0.5) < half);
        color = select(color, pick(t, hash(cell + vec3(3u))) * (0.6 + 0.8 * hash(cell + vec3(4u))), inside);
    }
    return color;
#else ifdef FOLIAGE
    var color = t.color_a.rgb;
    for (var layer = 0u; layer < 3u; layer++) {
        let s = q * (0.8 + 0.5 * f32(layer)) + vec2(seed + 5.1 * f32(layer), 2.9 * f32(layer));
        let cell = lattice(vec3(s, f32(layer) + 9.0));
        let centre = vec2(hash(cell + vec3(5u)), hash(cell + vec3(6u))) * 0.4 + 0.3;
        let inside = distance(fract(s), centre) < 0.15 + 0.25 * hash(cell + vec3(7u));
        color = select(color, pick(t, hash(cell + vec3(8u))) * (0.6 + 0.8 * hash(cell + vec3(10u))), inside);
    }
    return color;
#else
    return mix(t.color_a.rgb, t.color_b.rgb, clamp(p.y * 0.4, 0.0, 1.0));
#endif
}
