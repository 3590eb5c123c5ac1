// Takes the pictures that docs/screenshots keeps: node test/e2e/screenshots.ts FOLDER. Made of the seeded shop, so that two
// of them differ by what the page has become and not by what it shows.
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { openPageWorld } from "#test/e2e/PageWorld"
import { launch, look } from "#test/e2e/Browser"
import { smallPng } from "#test/e2e/smallPng"
import { SHOP } from "#test/e2e/shop"

const folder = process.argv[2] ?? "docs/screenshots"
const CHECKOUT = "#/policy/ScalingPolicy/shop/checkout"

const SHOTS = [
  { name: "fleet-light", hash: "#/", colorScheme: "light", width: 1360, height: 880 },
  { name: "fleet-dark", hash: "#/", colorScheme: "dark", width: 1360, height: 880 },
  { name: "policy-dark", hash: CHECKOUT, colorScheme: "dark", width: 1360, height: 1340 },
  { name: "what-if-light", hash: CHECKOUT, colorScheme: "light", width: 1360, height: 1000 },
  { name: "phone-light", hash: CHECKOUT, colorScheme: "light", width: 390, height: 844 }
] as const

const take = async (url: string) => {
  const browser = await launch()
  for (const { colorScheme, hash, height, name, width } of SHOTS) {
    const { page } = await look(browser, `${url}/${hash}`, { colorScheme, viewport: { width, height } })
    await page
      .locator(hash === "#/" ? ".row" : ".chart canvas")
      .first()
      .waitFor()
    if (name.startsWith("what-if")) {
      await page.getByRole("tab", { name: "What if" }).click()
      await page.getByLabel("Max replicas").fill("8")
      await page.getByRole("button", { name: "Replay" }).click()
      await page.getByText("The YAML that makes it so").scrollIntoViewIfNeeded()
      await page.locator(".code").scrollIntoViewIfNeeded()
    }
    await page.waitForTimeout(400)
    writeFileSync(join(folder, `${name}.png`), smallPng(await page.screenshot()))
    await page.context().close()
  }
  await browser.close()
}

await Effect.runPromise(
  Effect.scoped(Effect.flatMap(openPageWorld({ policies: SHOP }), ({ url }) => Effect.promise(() => take(url))))
)
