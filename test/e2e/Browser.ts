// Debian's Chromium, and what every look at the page begins with: a context in UTC, errors that fail the test, axe.
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert } from "vitest"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] })

export interface Look {
  readonly page: Page
  /** What the browser complained of; asking from elsewhere and breaking the page's own policy are among it. */
  readonly complaints: Array<string>
}

export const look = async (browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Look> => {
  const context = await browser.newContext({
    viewport: { width: 1360, height: 860 },
    timezoneId: "UTC",
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options
  })
  const page = await context.newPage()
  const complaints: Array<string> = []
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text())
  })
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`asked for ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints }
}

interface Violation {
  readonly id: string
  readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary: string }>
}

/** Not by a script tag: the page's policy refuses those, as it should. */
export const assertAccessible = async (page: Page): Promise<void> => {
  await page.evaluate(axe)
  const violations = (await page.evaluate("axe.run().then(({ violations }) => violations)")) as ReadonlyArray<Violation>
  const told = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ failureSummary, html }) => `${html}\n${failureSummary}`).join("\n")}`
  )
  assert.deepStrictEqual(told, [])
}
