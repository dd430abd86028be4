import { launch } from './launch.mjs'

await launch('apps/server/src/main.ts', ['serve', ...process.argv.slice(2)])
