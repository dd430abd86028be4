import { readFileSync } from 'node:fs'
import { launch } from './launch.mjs'

/**
 * What V8 reads when it makes the heap, so before the program could say it: young objects have 32 MB at
 * most, and not 64. More costs memory and gains nothing, measured under load and while periods close.
 */
const nodeFlags = JSON.parse(readFileSync(new URL('./node-flags.json', import.meta.url), 'utf8'))

await launch('apps/server/src/main.ts', ['serve', ...process.argv.slice(2)], { nodeFlags })
