// Five thousand policies through the real ledger and the real API: few rows exist, all can be reached, none is late.
import type { Browser } from "playwright-core"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bundlePage } from "#dashboard/bundlePage"
import { gzipSync } from "node:zlib"
import { assertAccessible, launch, look } from "#test/e2e/Browser"
import { many } from "#test/e2e/shop"
import { open } from "#test/e2e/worlds"

const POLICIES = 5_000
const ROWS_MAX = 60
const ASSETS_BYTES_MAX = 200_000

let browser: Browser

beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

describe("the page", () => {
  it("weighs less than 200 kB, compressed, with all that it loads", async () => {
    const bytes = (await bundlePage()).reduce((sum, { text }) => sum + gzipSync(text, { level: 9 }).length, 0)
    console.log(`assets: ${bytes} bytes compressed`)
    assert.isBelow(bytes, ASSETS_BYTES_MAX)
  })

  it("of five thousand policies is as long as all of them, and as heavy as those on the screen", async () => {
    const world = await open({ policies: many(POLICIES) })
    const { complaints, page } = await look(browser, world.url)
    await page.locator(".row").first().waitFor()
    // Figures for docs/STATE.md; nothing is held to them, because machines differ.
    const paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    const ready = await page.evaluate("performance.now()")
    assert.strictEqual(await page.getByRole("table").getAttribute("aria-rowcount"), String(POLICIES + 1))
    assert.isBelow(await page.locator(".row").count(), ROWS_MAX)
    await page.getByRole("table").evaluate((element) => element.scrollTo(0, element.scrollHeight))
    await page.locator(`[aria-rowindex="${POLICIES + 1}"]`).waitFor()
    assert.isBelow(await page.locator(".row").count(), ROWS_MAX)
    const scroll = await page.evaluate(`new Promise((done) => {
      const table = document.querySelector("[role=table]")
      const started = performance.now()
      let frames = 0
      let longest = 0
      let last = started
      const step = (now) => {
        longest = Math.max(longest, now - last)
        last = now
        frames += 1
        table.scrollTop -= 400
        if (frames < 120) requestAnimationFrame(step)
        else done({ millisPerFrame: (now - started) / frames, longest })
      }
      requestAnimationFrame(step)
    })`)
    console.log(
      `5,000 policies: first paint ${String(paint)} ms, rows after ${String(ready)} ms, scroll ${JSON.stringify(scroll)}`
    )
    await page.getByRole("searchbox").fill("indexer-4993")
    await page.locator(".row", { hasText: "indexer-4993" }).waitFor()
    assert.strictEqual(await page.locator(".row").count(), 1)
    await page.getByRole("searchbox").fill("")
    await world.show({ name: "one-more", peak: 900 })
    await page.getByRole("button", { name: "All 5001" }).waitFor()
    await assertAccessible(page)
    assert.deepStrictEqual(complaints, [])
  })
})
