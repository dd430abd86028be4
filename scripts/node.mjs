// node scripts/node.mjs FILE ARGS…: runs a file of this repository with the pinned Node.
import { launch } from './launch.mjs'

const [file, ...args] = process.argv.slice(2)
if (file === undefined) {
  console.error('Which file? node scripts/node.mjs FILE ARGS…')
  process.exit(2)
}
await launch(file, args)
