// The light on what is seen, each pixel once. Depth tests confine walls, ground and instances to
// the pixels that show them.

// How a fabric changes an instance's own colour: `Fabric` in
// `crates/marionette-stream/src/sample.rs`. The same layout is `GpuFabric` in
// `crates/marionette-render/src/layout.rs`; a test compares the two.
struct Fabric {
    second: vec4<f32>,          // w: gloss
    waves: vec4<f32>,           // w: threshold
    pitch: vec4<f32>,           // w: folds
    print: vec4<f32>,           // height of its middle, half width, half height, side of a cell
};

// The fabrics of the tile being drawn.
@group(2) @binding(1) var<uniform> fabrics: array<Fabric, 128>;

@group(1) @binding(0) var seen_instances: texture_2d<u32>;
@group(1) @binding(1) var seen_depths: texture_2d<f32>;
@group(1) @binding(2) var pictures: texture_2d_array<f32>;
@group(1) @binding(3) var picture_sampler: sampler;

#ifdef TRIANGLES
// `GpuTriangle` in `crates/marionette-render/src/layout.rs`; a test compares the two.
struct Triangle {
    // The corners in the camera's axes: right, down, forward, metres.
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    which: vec4<u32>,           // its id, its place, and the rectangle of pixels around it
    normals: vec4<u32>,         // halved and raised by a half, ten bits for each number; w: the instance that stands for it
    colors: vec4<u32>,          // the roots of linear colours, ten bits for each number
};

// The triangles of the tile being drawn.
@group(2) @binding(2) var<storage, read> triangles: array<Triangle>;

// Places from here on are triangles.
const FIRST_TRIANGLE: u32 = 640u;

fn unpacked(packed: u32) -> vec3<f32> {
    return vec3<f32>((vec3(packed) >> vec3(0u, 10u, 20u)) & vec3(1023u)) / 1023.0;
}
#endif

// A corner of a tile or of a rectangle within it, with the numbers of the tile that light needs.
struct TileVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(flat) eye: vec4<f32>,
    @location(1) @interpolate(flat) ray_origin: vec4<f32>,
    @location(2) @interpolate(flat) ray_right: vec4<f32>,
    @location(3) @interpolate(flat) ray_down: vec4<f32>,
    @location(4) @interpolate(flat) forward: vec4<f32>,
    @location(5) @interpolate(flat) sun_direction: vec4<f32>,
    @location(6) @interpolate(flat) sun_color: vec4<f32>,
    @location(7) @interpolate(flat) sky_color: vec4<f32>,
    @location(8) @interpolate(flat) bounce_color: vec4<f32>,
    @location(9) @interpolate(flat) lamp: vec4<f32>,
    @location(10) @interpolate(flat) wall: vec4<f32>,
    @location(11) @interpolate(flat) pattern: vec4<f32>,
    @location(12) @interpolate(flat) color_a: vec4<f32>,
    @location(13) @interpolate(flat) color_b: vec4<f32>,
    @location(14) @interpolate(flat) color_c: vec4<f32>,
    @location(15) @interpolate(flat) ground: vec4<f32>,
    @location(16) @interpolate(flat) place: vec4<u32>,
};

fn vertex_at(position: vec4<f32>) -> TileVertex {
    return TileVertex(
        position,
        tile.eye, tile.ray_origin, tile.ray_right, tile.ray_down, tile.forward, tile.sun_direction, tile.sun_color,
        tile.sky_color, tile.bounce_color, tile.lamp, tile.wall, tile.pattern, tile.color_a, tile.color_b, tile.color_c,
        tile.ground, tile.place,
    );
}

@vertex
fn tile_vertex(@builtin(vertex_index) corner: u32) -> TileVertex {
    tile = uploaded;
    return vertex_at(corner_of_tile(corner));
}

// A corner of a rectangle within a tile: left, top, right and bottom of a tile that is 1 wide and
// high.
@vertex
fn rectangle_vertex(@builtin(vertex_index) corner: u32, @location(0) rectangle: vec4<f32>) -> TileVertex {
    tile = uploaded;
    let at = vec2(select(rectangle.x, rectangle.z, (corner & 1u) != 0u), select(rectangle.y, rectangle.w, corner > 1u));
    return vertex_at(vec4(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0.0, 1.0));
}

fn set_tile(in: TileVertex) {
    tile.eye = in.eye;
    tile.ray_origin = in.ray_origin;
    tile.ray_right = in.ray_right;
    tile.ray_down = in.ray_down;
    tile.forward = in.forward;
    tile.sun_direction = in.sun_direction;
    tile.sun_color = in.sun_color;
    tile.sky_color = in.sky_color;
    tile.bounce_color = in.bounce_color;
    tile.lamp = in.lamp;
    tile.wall = in.wall;
    tile.pattern = in.pattern;
    tile.color_a = in.color_a;
    tile.color_b = in.color_b;
    tile.color_c = in.color_c;
    tile.ground = in.ground;
    tile.place = in.place;
}

// Side of a picture, pixels: `SIDE` in `crates/marionette-scene/src/pictures/mod.rs`.
const PICTURE_SIDE: f32 = 256.0;
// Side of the ground that one picture covers, metres, on average.
const GROUND_PICTURE: f32 = 2.0;
// Light is looked for this far above a surface, metres. `ABOVE` in
// `crates/marionette-render/src/casters/geometry.rs` is more.
const LIGHT_ABOVE: f32 = 0.004;

struct Light {
    // The light of sun or lamp that arrives past all instances, and the way to it.
    key: vec3<f32>,
    direction: vec3<f32>,
    // What a white surface reflects.
    diffuse: vec3<f32>,
};

// The light on a surface of the `skip`th instance at `point`. It is seen at `position` in the
// canvas, and what may take light from it is on the `list`th list.
fn light_at(point: vec3<f32>, normal: vec3<f32>, position: vec2<f32>, list: u32, skip: u32) -> Light {
    let key = key_light(point);
    let facing = max(dot(normal, key.direction), 0.0);
    let may_be_lit = (facing > 0.0) & (key.strength > 0.0);
#ifdef SHADOWS
    let pixel = vec2<u32>(position) - tile.place.xy;
    let sun = key.strength * lit_from(point + normal * LIGHT_ABOVE, key, pixel, list, skip, may_be_lit);
#else
    let sun = select(0.0, key.strength, may_be_lit);
#endif
    let ambient = mix(tile.bounce_color.rgb, tile.sky_color.rgb, 0.5 + 0.5 * normal.y);
    return Light(tile.sun_color.rgb * sun, key.direction, tile.sun_color.rgb * sun * facing + ambient);
}

// ---- instances ----

// The list for a point of an instance. The point is `along` the instance's sides or from end to
// end, from 0 to 1. `crates/marionette-render/src/casters/pieces.rs` cuts the pieces.
fn piece_of(pieces: u32, along: vec3<f32>) -> u32 {
    let counts = vec3<f32>((vec3(pieces) >> vec3(16u, 20u, 24u)) & vec3(15u));
    let at = clamp(floor(along * counts), vec3(0.0), counts - 1.0);
    return (pieces & 0xffffu) + u32(at.x + counts.x * (at.y + counts.y * at.z));
}

@fragment
fn surface_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let pixel = vec2<i32>(in.position.xy);
#ifdef TRIANGLES
    let shown = textureLoad(seen_instances, pixel, 0).x;
    let is_triangle = shown >= FIRST_TRIANGLE && shown != NONE;
    let triangle = triangles[select(0u, shown - FIRST_TRIANGLE, is_triangle)];
    let place = select(shown, triangle.normals.w, is_triangle);
#else
    let place = textureLoad(seen_instances, pixel, 0).x;
#endif
    let instance = instances[place];
    let fabric = fabrics[u32(instance.origin.w)];
    let depth = textureLoad(seen_depths, pixel, 0).x;
    let point = tile.eye.xyz + ray_through(in.position.xy) * depth;
    let from_a = point - instance.a.xyz;
    let inverse = vec4(-instance.turn.xyz, instance.turn.w);
    // In the instance's own axes.
    let own = rotate(inverse, from_a);
    // The normal of a cuboid is that of the face that is nearest to the point. The normal of a
    // round cone is the way from the nearest of the spheres that make it up: see `cone_entry`.
    let inside = abs(own) - instance.b.xyz;
    let face = sign(own) * select(vec3(0.0), vec3(1.0), inside >= vec3(max(inside.x, max(inside.y, inside.z))));
    let axis = instance.b.xyz - instance.a.xyz;
    let taper = instance.a.w - instance.b.w;
    let d = dot(axis, axis) - taper * taper;
    let s = select(select(0.0, 1.0, taper < 0.0), clamp((dot(axis, from_a) - instance.a.w * taper) / d, 0.0, 1.0), d > 1e-9);
#ifdef TRIANGLES
    let way = point - tile.eye.xyz;
    let raw = shares(triangle.a.xyz, triangle.b.xyz, triangle.c.xyz, straight(way / depth));
    // A ray that was moved about may pass beside the triangle.
    let sum = raw.x + raw.y + raw.z;
    let positive = max(raw * select(1.0, -1.0, sum < 0.0), vec3(1e-12));
    let share = positive / (positive.x + positive.y + positive.z);
    let bent = share.x * unpacked(triangle.normals.x) + share.y * unpacked(triangle.normals.y) + share.z * unpacked(triangle.normals.z) - 0.5;
    // A triangle that is seen from behind is lit from there.
    let smooth_normal = bent * select(1.0, -1.0, dot(bent, way) > 0.0);
    let roots = share.x * unpacked(triangle.colors.x) + share.y * unpacked(triangle.colors.y) + share.z * unpacked(triangle.colors.z);
    let round = select(from_a - s * axis, rotate(instance.turn, face), instance.color.w > 0.5);
    let normal = normalize(select(round, smooth_normal, is_triangle));
    let color = select(instance.color.rgb, roots * roots, is_triangle);
    let albedo = woven(color, fabric, own + instance.origin.xyz, instance.origin.w);
    let piece = piece_of(instance.pieces.x, select(vec3(s, 0.0, 0.0), 0.5 + 0.5 * own / instance.b.xyz, instance.color.w > 0.5));
    let list = select(piece, instance.pieces.y, is_triangle);
#else
    let normal = normalize(select(from_a - s * axis, rotate(instance.turn, face), instance.color.w > 0.5));
    let albedo = woven(instance.color.rgb, fabric, own + instance.origin.xyz, instance.origin.w);
    let list = piece_of(instance.pieces.x, select(vec3(s, 0.0, 0.0), 0.5 + 0.5 * own / instance.b.xyz, instance.color.w > 0.5));
#endif
    let light = light_at(point, normal, in.position.xy, list, place);
    // Blinn's highlight, as wide as the highlights of cloth, skin and hair.
    let half = normalize(light.direction + normalize(tile.eye.xyz - point));
    let shine = fabric.second.w * pow(max(dot(normal, half), 0.0), 24.0);
    return vec4((albedo * light.diffuse + light.key * shine) * tile.sun_color.w, depth);
}

// An instance's albedo at `q`, in the coordinates of its pattern.
fn woven(color: vec3<f32>, fabric: Fabric, q: vec3<f32>, seed: f32) -> vec3<f32> {
    // Folds run along limbs and across a waist; their cells are longer than wide.
    let crumpled = noise(q * vec3(26.0, 13.0, 26.0) + seed) - 0.5;
    let mottled = 2.0 * noise(q * fabric.pitch.z) - 1.0;
    let wave = dot(fabric.waves.xyz, vec3(sin(fabric.pitch.x * q.x), sin(fabric.pitch.y * q.y), mottled));
    let on_print = max(abs(q.x) - fabric.print.y, abs(q.y - fabric.print.x) - fabric.print.z) < 0.0;
    let printed = on_print && hash(lattice(vec3(q.xy / max(fabric.print.w, 1e-3), sign(q.z)))) > 0.45;
    let share = select(smoothstep(-0.1, 0.1, wave - fabric.waves.w), 1.0, printed);
    return mix(color, fabric.second.rgb, share) * (1.0 + fabric.pitch.w * crumpled);
}

fn lattice(p: vec3<f32>) -> vec3<u32> {
    return bitcast<vec3<u32>>(vec3<i32>(floor(p)));
}

// Noise: the hash of each corner of a lattice, interpolated in between. Neighbours share two of the
// three products that are hashed.
fn noise(p: vec3<f32>) -> f32 {
    let f = fract(p);
    let s = f * f * (3.0 - 2.0 * f);
    let low = lattice(p) * SPREAD;
    let high = low + SPREAD;
    return mix(noise_across(vec2(low.x, high.x), vec2(low.y, high.y), low.z, s.xy),
        noise_across(vec2(low.x, high.x), vec2(low.y, high.y), high.z, s.xy), s.z);
}

fn noise_across(x: vec2<u32>, y: vec2<u32>, z: u32, s: vec2<f32>) -> f32 {
    let first = mix(unit(scrambled(x.x ^ y.x ^ z)), unit(scrambled(x.y ^ y.x ^ z)), s.x);
    let second = mix(unit(scrambled(x.x ^ y.y ^ z)), unit(scrambled(x.y ^ y.y ^ z)), s.x);
    return mix(first, second, s.y);
}

// ---- backdrops ----

// The list for ground and wall at a position in the canvas: the list of its cell.
fn cell_at(position: vec2<f32>) -> u32 {
    let at = floor((position - vec2<f32>(tile.place.xy)) * tile.eye.w / vec2(tile.ray_right.w, tile.ray_down.w));
    return u32(at.x + tile.eye.w * at.y);
}

// The colour of a picture of the bank at `uv`, which runs from 0 in the top-left corner to 1 in the
// bottom-right one. The picture is mirrored beyond. A pixel is as wide as `width` of the picture.
fn picture(layer: f32, uv: vec2<f32>, width: f32) -> vec3<f32> {
    let level = floor(log2(max(width * PICTURE_SIDE, 1.0)) + 0.5);
    return textureSampleLevel(pictures, picture_sampler, uv, i32(layer), level).rgb;
}

// A pattern that is far away is finer than a pixel: it fades to its mean instead of flickering.
// `pixel` is the width of a pixel there, metres.
fn faded(mean: vec3<f32>, patterned: vec3<f32>, pixel: f32) -> vec3<f32> {
    return mix(mean, patterned, clamp(1.5 - 2.0 * pixel / tile.pattern.x, 0.0, 1.0));
}

// How far a tile's pictures are shifted, in sides of a picture.
fn shift() -> vec2<f32> {
    return vec2(hash(vec3(u32(tile.pattern.z), 1u, 2u)), select(0.0, 0.4, tile.wall.y < 0.5));
}

@fragment
fn ground_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let along = ray_through(in.position.xy);
    let seen = plane(along);
    let point = tile.eye.xyz + along * seen.depth;
    let pixel = seen.depth * length(tile.ray_right.xyz);
#ifdef PICTURE
    let side = GROUND_PICTURE * (0.5 + shift().x);
    let albedo = picture(tile.ground.w, seen.surface / side + shift(), pixel / side) * tile.ground.rgb;
#else
    let albedo = faded(tile.ground.rgb, ground_pattern(seen.surface), pixel);
#endif
    let light = light_at(point, seen.normal, in.position.xy, cell_at(in.position.xy), NONE);
    return vec4(albedo * light.diffuse * tile.sun_color.w, seen.depth);
}

@fragment
fn wall_fragment(in: TileVertex) -> @location(0) vec4<f32> {
    set_tile(in);
    let along = ray_through(in.position.xy);
    let seen = plane(along);
    let point = tile.eye.xyz + along * seen.depth;
    let pixel = seen.depth * length(tile.ray_right.xyz);
#ifdef PICTURE
    // A picture has its own light and shadows and gets no others.
    let uv = vec2(seen.surface.x, -seen.surface.y) / tile.pattern.x + shift();
    let light = tile.sun_color.rgb * 0.4 * key_light(point).strength + mix(tile.bounce_color.rgb, tile.sky_color.rgb, 0.5);
    let shown = picture(tile.pattern.w, uv, pixel / tile.pattern.x) * tile.ground.rgb * light * tile.sun_color.w;
#else
    let mean = (tile.color_a.rgb + tile.color_b.rgb + tile.color_c.rgb) / 3.0;
    let light = light_at(point, seen.normal, in.position.xy, cell_at(in.position.xy), NONE).diffuse;
    let shown = faded(mean, wall_pattern(seen.surface), pixel) * light * tile.sun_color.w;
#endif
    // Pixels that show neither wall nor ground show the sky.
    let sky = mix(tile.color_a.rgb, tile.color_b.rgb, 0.5 + 0.5 * normalize(along).y) * tile.sky_color.rgb * tile.sun_color.w;
    return vec4(select(shown, sky, seen.depth >= FAR), min(seen.depth, FAR));
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

// The albedo of the wall at `p`, metres. Each kind of backdrop has a pipeline of its own: one
// shader with a switch would make a software rasteriser compute every kind for every pixel.
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
