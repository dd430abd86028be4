import assert from 'node:assert/strict'
import { test } from 'node:test'
import PDFDocument from 'pdfkit'
import { readFonts } from './font-set.ts'
import { createShaper } from './shaper.ts'
import { visualRuns } from './visual-runs.ts'

async function shape(text: string) {
  const fonts = await readFonts([{ text, weight: 400 }])
  const shaper = createShaper(new PDFDocument({ autoFirstPage: false }), fonts.base[400])
  return visualRuns(fonts.clusters(text, 400), 'ltr').flatMap(shaper.shape)
}

test('text is shaped as one, so that letters can join', async () => {
  const [run, ...others] = await shape('क्षत्रिय')
  assert.deepEqual([run?.text, run?.features, others], ['क्षत्रिय', 'all', []])
  assert.ok(run!.width > 1)
})

test('what fontkit cannot place the marks of is still joined', async () => {
  const [run, ...others] = await shape('ਪੰਜਾਬੀ')
  assert.deepEqual([run?.text, run?.features, others], ['ਪੰਜਾਬੀ', 'withoutMarks', []])
})
