// Draws every tile of the atlas. First what is seen where: the planes of ground and wall, then one box of 12 triangles around each
// instance (a round cone or a cuboid), whose exact surface the fragment shader finds with a ray. Then, pixel by pixel, the light
// on it. Ids and depth come from the same hit as the colour.

// A round cone or a cuboid.
struct Instance {
    a: vec4<f32>,               // round cone: first end and radius; cuboid: centre
    b: vec4<f32>,               // round cone: second end and radius; cuboid: half side lengths
    color: vec4<f32>,           // w: 0 round cone, 1 cuboid
    more: vec4<f32>,            // round cone: a sphere around it; cuboid: orientation as a quaternion
    turn: vec4<f32>,            // orientation of the coordinates of its pattern, as a quaternion
    origin: vec4<f32>,          // what `a` is in those coordinates, w: its fabric
};

// What is done to an instance's own colour: `Fabric` in `src/scene/sample.rs`.
struct Fabric {
    second: vec4<f32>,          // w: gloss
    waves: vec4<f32>,           // w: threshold
    pitch: vec4<f32>,           // w: folds
    print: vec4<f32>,           // height of its middle, half width, half height, side of a cell
};

// Instances that stand together: a figure, or the props.
struct Group {
    bound: vec4<f32>,           // a sphere around them all; of radius 0 behind the last group
    range: vec4<u32>,           // first cuboid, one past the last; first round cone, one past the last, at most 32 of them
};

// Of the tile being drawn, like the tile itself.
@group(0) @binding(1) var<uniform> groups: array<Group, 128>;
@group(0) @binding(2) var<uniform> instances: array<Instance, 640>;
@group(0) @binding(3) var<uniform> fabrics: array<Fabric, 128>;

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

fn cuboid(origin: vec3<f32>, direction: vec3<f32>, centre: vec3<f32>, half: vec3<f32>, rotation: vec4<f32>) -> Hit {
    let inverse = vec4(-rotation.xyz, rotation.w);
    let o = rotate(inverse, origin - centre);
    let d = rotate(inverse, direction);
    let safe = select(d, vec3(1e-9), abs(d) < vec3(1e-9));
    let near = (-sign(safe) * half - o) / safe;
    let far = (sign(safe) * half - o) / safe;
    let t = max(near.x, max(near.y, near.z));
    if (t > min(far.x, min(far.y, far.z))) {
        return Hit(vec3(0.0, 1.0, 0.0), MISS);
    }
    let face = select(vec3(0.0), -sign(safe), near == vec3(t));
    return Hit(normalize(rotate(rotation, face)), t);
}

// Whether a ray, wider by `softness` with every metre, can meet anything within `sphere`: most instances are nowhere near most
// shadow rays.
fn may_meet(origin: vec3<f32>, direction: vec3<f32>, sphere: vec4<f32>, softness: f32) -> bool {
    let towards = sphere.xyz - origin;
    let along = dot(towards, direction);
    let reach = sphere.w + softness * (max(along, 0.0) + sphere.w);
    return dot(towards, towards) - along * along < reach * reach && along > -sphere.w;
}

// How much of the light from a disc in `direction` passes a round cone: all where the ray is clear of it by the disc's size as seen from
// where it comes closest, nothing where it is as deep inside.
fn passes(point: vec3<f32>, direction: vec3<f32>, a: vec4<f32>, b: vec4<f32>, distance: f32) -> f32 {
    let axis = b.xyz - a.xyz;
    let from_a = point - a.xyz;
    let lean = dot(axis, direction);
    let squared = max(dot(axis, axis), 1e-9);
    let upright = max(squared - lean * lean, 1e-9);
    let nearest = (dot(from_a, axis) - dot(from_a, direction) * lean) / upright;
    let t = max(clamp(nearest, 0.0, 1.0) * lean - dot(from_a, direction), 0.0);
    let s = clamp(dot(from_a + direction * t, axis) / squared, 0.0, 1.0);
    let gap = length(from_a + direction * t - axis * s) - mix(a.w, b.w, s);
    let width = tile.sky_color.w * t + 1e-4;
    return select(1.0, smoothstep(-width, width, gap), t > 0.0 && t < distance);
}

// The share of the light of a disc in `direction`, at `distance`, that no instance but `skip` takes away.
//
// Cuboids are met or missed by a ray to one place on the disc, `aimed`, another one for each pixel: their penumbras are grainy.
//
// A software rasteriser runs several pixels in step, and both sides of every branch, but it leaves a loop once no pixel is left in
// it. So whatever not every pixel needs is a loop: the instances of a group that is in no pixel's way are not looked at, and
// those that are looked at are the same for every pixel until few are left to test exactly.
//
// No loop ends at a number that stands at a fixed place in a uniform buffer: Mesa's software driver would build the shader anew for
// every tile, with that number in it.
fn lit_from(point: vec3<f32>, direction: vec3<f32>, aimed: vec3<f32>, distance: f32, skip: u32) -> f32 {
    let softness = tile.sky_color.w;
    var lit = 1.0;
    for (var g = 0u; groups[g].bound.w > 0.0; g++) {
        let range = groups[g].range;
        let wanted = lit > 0.0 && may_meet(point, direction, groups[g].bound, softness);
        let cuboids_end = select(range.x, range.y, wanted);
        for (var k = range.x; k < cuboids_end; k++) {
            let t = cuboid(point, aimed, instances[k].a.xyz, instances[k].b.xyz, instances[k].more).t;
            lit = select(lit, 0.0, k != skip && t > 0.0 && t < distance);
        }
        let cones_end = select(range.z, range.w, wanted);
        var near = 0u;
        for (var k = range.z; k < cones_end; k++) {
            near |= select(0u, 1u << (k - range.z), k != skip && may_meet(point, direction, instances[k].more, softness));
        }
        while (near != 0u) {
            let k = range.z + firstTrailingBit(near);
            near &= near - 1u;
            lit = min(lit, passes(point, direction, instances[k].a, instances[k].b, distance));
            near = select(near, 0u, lit <= 0.0);
        }
    }
    return lit;
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

// What reaches the camera from a surface. `spot` is the pixel within the tile.
fn shade(albedo: vec3<f32>, gloss: f32, point: vec3<f32>, normal: vec3<f32>, spot: vec2<f32>, skip: u32) -> vec3<f32> {
    let key = key_light(point);
    let facing = dot(normal, key.direction);
    var sun = 0.0;
    var shine = 0.0;
    if (facing > 0.0 && key.strength > 0.0) {
        let n = vec3<u32>(vec2<u32>(spot), 977u);
        let angle = 6.2831853 * hash(n);
        let helper = select(vec3(1.0, 0.0, 0.0), vec3(0.0, 1.0, 0.0), abs(key.direction.x) > 0.7);
        let x = normalize(cross(key.direction, helper));
        let y = cross(key.direction, x);
        let radius = tile.sky_color.w * sqrt(hash(n + vec3(0u, 0u, 1u)));
        let aimed = normalize(key.direction + radius * (x * cos(angle) + y * sin(angle)));
        sun = key.strength * lit_from(point + normal * 0.004, key.direction, aimed, key.distance, skip);
        // Blinn's highlight, as wide as that of cloth, skin and hair.
        let half = normalize(key.direction + normalize(tile.eye.xyz - point));
        shine = gloss * pow(max(dot(normal, half), 0.0), 24.0);
    }
    let ambient = mix(tile.bounce_color.rgb, tile.sky_color.rgb, 0.5 + 0.5 * normal.y);
    return (albedo * (tile.sun_color.rgb * sun * facing + ambient) + tile.sun_color.rgb * sun * shine) * tile.sun_color.w;
}

// The ray through a position in the atlas, its length along the camera's forward axis being 1.
fn ray_through(position: vec2<f32>) -> vec3<f32> {
    let p = position - vec2<f32>(tile.place.xy);
    let across = tile.ray_origin.xyz - tile.forward.xyz + tile.ray_right.xyz * p.x + tile.ray_down.xyz * p.y;
    return tile.forward.xyz + across / (1.0 + tile.forward.w * dot(across, across));
}

// Where a point is drawn. `Camera::distort` is the twin on the CPU.
fn seen_at(world: vec3<f32>) -> vec4<f32> {
    let from_eye = world - tile.eye.xyz;
    let depth = dot(from_eye, tile.forward.xyz);
    if (tile.forward.w == 0.0 || depth < 0.05) {
        return tile.clip_from_world * vec4(world, 1.0);
    }
    let across = from_eye / depth - tile.forward.xyz;
    let root = sqrt(max(1.0 - 4.0 * tile.forward.w * dot(across, across), 0.0));
    let moved = tile.forward.xyz + across * (2.0 / (1.0 + root));
    return tile.clip_from_world * vec4(tile.eye.xyz + moved * depth, 1.0);
}

// How much larger the box around something `half_length` long has to be, metres: a line bends by the distortion times its
// half length squared, in focal lengths, and no place in an image is much more than one from its middle.
fn bend(middle: vec3<f32>, half_length: f32) -> f32 {
    let depth = max(dot(middle - tile.eye.xyz, tile.forward.xyz), 0.3);
    return 1.5 * abs(tile.forward.w) * half_length * half_length / depth;
}

// ---- what is seen ----

// No instance: the backdrop.
const NONE: u32 = 0xffffu;

struct Seen {
    @location(0) id: u32,
    @location(1) depth: f32,
    @location(2) instance: u32,
};

struct Plane {
    depth: f32,
    normal: vec3<f32>,
    // Along the plane, metres.
    surface: vec2<f32>,
    ground: bool,
};

// What of ground and wall is seen along a ray whose length along the camera's forward axis is 1.
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

@fragment
fn plane_fragment(in: TileVertex) -> Seen {
    return Seen(0u, min(plane(ray_through(in.position.xy)).depth, FAR), NONE);
}

struct InstanceVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) a: vec4<f32>,
    @location(1) @interpolate(flat) b: vec4<f32>,
    @location(2) @interpolate(flat) more: vec4<f32>,
    // Its kind, its id, its place among the tile's instances.
    @location(3) @interpolate(flat) which: vec3<u32>,
};

@vertex
fn instance_vertex(
    @location(0) corner: vec4<f32>,
    @location(1) a: vec4<f32>,
    @location(2) b: vec4<f32>,
    @location(3) color: vec4<f32>,
    @location(4) more: vec4<f32>,
    @location(5) id_and_place: vec2<u32>,
) -> InstanceVertex {
    var world: vec3<f32>;
    if (color.w < 0.5) {
        let along = b.xyz - a.xyz;
        let length = max(length(along), 1e-6);
        let z = select(vec3(0.0, 0.0, 1.0), along / length, length > 1e-5);
        let helper = select(vec3(1.0, 0.0, 0.0), vec3(0.0, 1.0, 0.0), abs(z.x) > 0.9);
        let x = normalize(helper - z * dot(z, helper));
        let y = cross(z, x);
        let widest = max(a.w, b.w);
        let radius = widest + bend(0.5 * (a.xyz + b.xyz), 0.5 * length + widest);
        // Either ball may reach beyond the other, at both ends.
        let low = min(-a.w, length - b.w) + widest - radius;
        let high = max(a.w, length + b.w) - widest + radius;
        world = a.xyz + (x * corner.x + y * corner.y) * radius + z * select(low, high, corner.z > 0.0);
    } else {
        world = a.xyz + rotate(more, corner.xyz * (b.xyz + bend(a.xyz, length(b.xyz))));
    }
    let which = vec3(u32(color.w), id_and_place);
    return InstanceVertex(seen_at(world), a, b, more, which);
}

fn intersect(origin: vec3<f32>, direction: vec3<f32>, a: vec4<f32>, b: vec4<f32>, more: vec4<f32>, kind: u32) -> Hit {
    if (kind == 0u) {
        return round_cone(origin, direction, a, b);
    }
    return cuboid(origin, direction, a.xyz, b.xyz, more);
}

struct SeenInstance {
    @location(0) id: u32,
    @location(1) depth: f32,
    @location(2) instance: u32,
    @builtin(frag_depth) clip_depth: f32,
};

@fragment
fn instance_fragment(in: InstanceVertex) -> SeenInstance {
    let eye = tile.eye.xyz;
    // From the pixel within the tile, not from the box: an interpolated position is rounded otherwise in every place of the
    // atlas, and a tile must not depend on its place.
    let direction = normalize(ray_through(in.position.xy));
    let t = intersect(eye, direction, in.a, in.b, in.more, in.which.x).t;
    if (t <= 0.0 || t > FAR) {
        discard;
    }
    let clip = tile.clip_from_world * vec4(eye + direction * t, 1.0);
    return SeenInstance(in.which.y, clip.w, in.which.z, clip.z / clip.w);
}

// ---- the light on it ----

@group(1) @binding(0) var seen_instances: texture_2d<u32>;
@group(1) @binding(1) var pictures: texture_2d_array<f32>;
@group(1) @binding(2) var picture_sampler: sampler;

const PICTURE_SIDE: f32 = 256.0;
// Side of the ground that a picture of one covers, metres, on average.
const GROUND_PICTURE: f32 = 2.0;

// A picture of the bank, `uv` from its top-left corner to its bottom-right one and mirrored beyond, where a pixel is as wide as
// `width` of it.
fn picture(layer: f32, uv: vec2<f32>, width: f32) -> vec3<f32> {
    let level = floor(log2(max(width * PICTURE_SIDE, 1.0)) + 0.5);
    return textureSampleLevel(pictures, picture_sampler, uv, i32(layer), level).rgb;
}

@fragment
fn shade_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    let eye = tile.eye.xyz;
    let along = ray_through(in.position.xy);
    let spot = in.position.xy - vec2<f32>(tile.place.xy);
    let place = textureLoad(seen_instances, vec2<i32>(in.position.xy), 0).x;
    var albedo: vec3<f32>;
    var point: vec3<f32>;
    var normal: vec3<f32>;
    var gloss = 0.0;
    if (place == NONE) {
        let seen = plane(along);
        if (seen.depth >= FAR) {
            // Neither wall nor ground: the sky itself.
            let up = normalize(along).y;
            let sky = mix(tile.color_a.rgb, tile.color_b.rgb, 0.5 + 0.5 * up);
            return vec4(sky * tile.sky_color.rgb * tile.sun_color.w, 1.0);
        }
        // Far away the pattern is finer than a pixel: fade it to its mean instead of letting it flicker.
        let pixel = seen.depth * length(tile.ray_right.xyz);
#ifdef PICTURE
        let shift = vec2(hash(vec3(u32(tile.pattern.z), 1u, 2u)), select(0.0, 0.4, tile.wall.y < 0.5));
        if (!seen.ground) {
            // A picture has its own light and shadows; here it gets no others.
            let uv = vec2(seen.surface.x, -seen.surface.y) / tile.pattern.x + shift;
            let key = key_light(eye + along * seen.depth);
            let light = tile.sun_color.rgb * 0.4 * key.strength + mix(tile.bounce_color.rgb, tile.sky_color.rgb, 0.5);
            let shown = picture(tile.pattern.w, uv, pixel / tile.pattern.x) * tile.ground.rgb;
            return vec4(shown * light * tile.sun_color.w, 1.0);
        }
        let side = GROUND_PICTURE * (0.5 + shift.x);
        albedo = picture(tile.ground.w, seen.surface / side + shift, pixel / side) * tile.ground.rgb;
        point = eye + along * seen.depth;
        normal = seen.normal;
#else
        let sharp = clamp(1.5 - 2.0 * pixel / tile.pattern.x, 0.0, 1.0);
        let wall_mean = (tile.color_a.rgb + tile.color_b.rgb + tile.color_c.rgb) / 3.0;
        let mean = select(wall_mean, tile.ground.rgb, seen.ground);
        let patterned = select(wall_pattern(seen.surface), ground_pattern(seen.surface), seen.ground);
        albedo = mix(mean, patterned, sharp);
        point = eye + along * seen.depth;
        normal = seen.normal;
#endif
    } else {
        let direction = normalize(along);
        let instance = instances[place];
        let hit = intersect(eye, direction, instance.a, instance.b, instance.more, u32(instance.color.w));
        point = eye + direction * hit.t;
        normal = hit.normal;
        albedo = woven(instance, point);
        gloss = fabrics[u32(instance.origin.w)].second.w;
    }
    return vec4(shade(albedo, gloss, point, normal, spot, place), 1.0);
}

// The albedo of an instance at `point`.
fn woven(instance: Instance, point: vec3<f32>) -> vec3<f32> {
    let fabric = fabrics[u32(instance.origin.w)];
    let inverse = vec4(-instance.turn.xyz, instance.turn.w);
    let q = rotate(inverse, point - instance.a.xyz) + instance.origin.xyz;
    // Folds run along limbs and across a waist; their cells are longer than wide.
    let crumpled = noise(q * vec3(26.0, 13.0, 26.0) + instance.origin.www) - 0.5;
    let mottled = 2.0 * noise(q * fabric.pitch.z) - 1.0;
    let wave = dot(fabric.waves.xyz, vec3(sin(fabric.pitch.x * q.x), sin(fabric.pitch.y * q.y), mottled));
    let on_print = max(abs(q.x) - fabric.print.y, abs(q.y - fabric.print.x) - fabric.print.z) < 0.0;
    let printed = on_print && hash(lattice(vec3(q.xy / max(fabric.print.w, 1e-3), sign(q.z)))) > 0.45;
    let share = select(smoothstep(-0.1, 0.1, wave - fabric.waves.w), 1.0, printed);
    return mix(instance.color.rgb, fabric.second.rgb, share) * (1.0 + fabric.pitch.w * crumpled);
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

fn pick(x: f32) -> vec3<f32> {
    return select(select(tile.color_c.rgb, tile.color_b.rgb, x < 0.67), tile.color_a.rgb, x < 0.33);
}

// The albedo of the ground at `p`, metres.
fn ground_pattern(p: vec2<f32>) -> vec3<f32> {
    let q = p / tile.pattern.x;
    let contrast = tile.pattern.y;
    let mottled = tile.ground.rgb * (1.0 + contrast * (noise(vec3(q * 3.0, tile.pattern.z + 31.0)) - 0.5));
#ifdef TILES
    let cell = lattice(vec3(q, 0.0));
    return mix(mottled, tile.color_b.rgb, f32((cell.x + cell.y) & 1u) * (0.2 + 0.6 * contrast));
#else ifdef BRICKS
    return mix(mottled, tile.color_b.rgb, f32(lattice(vec3(q, 0.0)).x & 1u) * (0.2 + 0.6 * contrast));
#else
    return mottled;
#endif
}

// The albedo of the wall at `p`, metres. Each kind of backdrop has a pipeline of its own: one shader with a switch would
// make a software rasteriser compute every kind for every pixel.
fn wall_pattern(p: vec2<f32>) -> vec3<f32> {
    let q = p / tile.pattern.x;
    let seed = tile.pattern.z;
#ifdef FIELD
    let cloud = 0.5 * noise(vec3(q, seed)) + 0.3 * noise(vec3(q * 2.1, seed + 7.0)) + 0.2 * noise(vec3(q * 4.3, seed + 13.0));
    return mix(mix(tile.color_a.rgb, tile.color_b.rgb, smoothstep(0.25, 0.5, cloud)), tile.color_c.rgb, smoothstep(0.5, 0.75, cloud));
#else ifdef TILES
    let cell = lattice(vec3(q, seed));
    let joint = max(abs(fract(q.x) - 0.5), abs(fract(q.y) - 0.5));
    return mix(pick(hash(cell)), tile.color_c.rgb * 0.5, smoothstep(0.44, 0.48, joint));
#else ifdef BRICKS
    let row = floor(q.y * 2.0);
    let shifted = vec2(q.x + 0.5 * (row - 2.0 * floor(row * 0.5)), q.y * 2.0);
    let cell = lattice(vec3(shifted, seed));
    let joint = max(abs(fract(shifted.x) - 0.5) * 2.0 - 0.9, abs(fract(shifted.y) - 0.5) * 2.0 - 0.8);
    return mix(mix(tile.color_a.rgb, tile.color_b.rgb, hash(cell)), tile.color_c.rgb, smoothstep(0.0, 0.1, joint));
#else ifdef BLOCKS
    var color = tile.color_a.rgb;
    for (var layer = 0u; layer < 3u; layer++) {
        let s = q * (0.4 + 0.45 * f32(layer)) + vec2(seed + 3.7 * f32(layer), 1.3 * f32(layer));
        let cell = lattice(vec3(s, f32(layer)));
        let half = vec2(0.2) + 0.28 * vec2(hash(cell + vec3(1u)), hash(cell + vec3(2u)));
        let inside = all(abs(fract(s) - 0.5) < half);
        color = select(color, pick(hash(cell + vec3(3u))) * (0.6 + 0.8 * hash(cell + vec3(4u))), inside);
    }
    return color;
#else ifdef FOLIAGE
    var color = tile.color_a.rgb;
    for (var layer = 0u; layer < 3u; layer++) {
        let s = q * (0.8 + 0.5 * f32(layer)) + vec2(seed + 5.1 * f32(layer), 2.9 * f32(layer));
        let cell = lattice(vec3(s, f32(layer) + 9.0));
        let centre = vec2(hash(cell + vec3(5u)), hash(cell + vec3(6u))) * 0.4 + 0.3;
        let inside = distance(fract(s), centre) < 0.15 + 0.25 * hash(cell + vec3(7u));
        color = select(color, pick(hash(cell + vec3(8u))) * (0.6 + 0.8 * hash(cell + vec3(10u))), inside);
    }
    return color;
#else
    return mix(tile.color_a.rgb, tile.color_b.rgb, clamp(p.y * 0.4, 0.0, 1.0));
#endif
}
