import type { CreditNote, Invoice } from '@tollgate/contract'
import {
  type DocumentContent,
  documentContent,
  type Labelled,
  type Row,
} from './document-content.ts'
import { INVOICE_STYLE } from './invoice-style.ts'

/** Text that is markup already. Only this file makes it, so what is not escaped does not get in. */
class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
type Value = string | Markup | readonly Markup[] | null

/**
 * The document as a page of its own: no script, nothing loaded. Its one style is allowed by
 * `INVOICE_STYLE_SOURCE`.
 */
export function invoiceHtml(document: Invoice | CreditNote): string {
  const content = documentContent(document)
  const { title, number, parties, headline, notes } = content
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${[title, number].filter(Boolean).join(' ')}</title>
<style>${new Markup(INVOICE_STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}${stamp(content)}</h1>
<div class="seller">${anyDirection(parties[0]?.name ?? '')}</div>
</header>
<dl class="facts">
${content.facts.map(fact)}</dl>
<section class="parties">
${parties.map(party)}</section>
<p class="headline">${headline.amount} ${headline.text}</p>
${table(content)}
<dl class="totals">
${content.totals.map(total)}</dl>
<footer>
${notes.map((note) => html`<p>${note}</p>\n`)}</footer>
</main>
</body>
</html>
`
  return page.text
}

function stamp({ stamp }: DocumentContent): Markup | null {
  return stamp && html` <span class="stamp ${stamp.tone}">${stamp.text}</span>`
}

function fact({ label, value }: Labelled): Markup {
  return html`<dt>${label}</dt><dd>${anyDirection(value)}</dd>\n`
}

function party({ role, name, address, contacts }: DocumentContent['parties'][number]): Markup {
  return html`<div>
<p class="role">${role}</p>
<p class="name">${anyDirection(name)}</p>
${[...address, ...contacts].map((text) => html`<p>${anyDirection(text)}</p>\n`)}</div>
`
}

function table({ columns, rows }: DocumentContent): Markup {
  return html`<table>
<thead>
<tr><th scope="col">${columns.description}</th><th scope="col">${columns.quantity}</th><th scope="col">${columns.unitPrice}</th><th scope="col">${columns.amount}</th></tr>
</thead>
<tbody>
${rows.map(tableRow)}</tbody>
</table>`
}

function tableRow(row: Row): Markup {
  const details = row.details.map((text) => html`<small>${anyDirection(text)}</small>`)
  return html`<tr><td>${anyDirection(row.description)}${details}</td><td class="quantity">${row.quantity}</td><td class="number price">${row.unitPrice}</td><td class="number amount">${row.amount}</td></tr>
`
}

function total({ label, value, weight }: DocumentContent['totals'][number]): Markup {
  return html`<dt class="${weight}">${label}</dt><dd class="${weight}">${value}</dd>\n`
}

/** In the direction of its own first letter, and without an effect on what is beside it. */
function anyDirection(text: string): Markup {
  return html`<bdi dir="auto">${text}</bdi>`
}

function html(parts: TemplateStringsArray, ...values: Value[]): Markup {
  return new Markup(parts.reduce((text, part, index) => text + written(values[index - 1]!) + part))
}

function written(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string') return escaped(value)
  return value instanceof Markup ? value.text : value.map(({ text }) => text).join('')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
