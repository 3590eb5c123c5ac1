// The dashboard as a person uses it: each view, live and after a restart, empty and in trouble, by keyboard, on a phone.
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { afterAll, assert, beforeAll, describe, it, onTestFinished } from "vitest"
import type { PageWorldInput } from "#test/e2e/PageWorld"
import { assertAccessible, launch, look } from "#test/e2e/Browser"
import { SHOP } from "#test/e2e/shop"
import { open } from "#test/e2e/worlds"

let browser: Browser

beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser.close())

/** A page on a world of its own; a complaint of the browser that nobody expected fails the test. */
const visit = async (input: PageWorldInput, hash = "", options: BrowserContextOptions = {}) => {
  const world = await open(input)
  const { complaints, page } = await look(browser, `${world.url}/${hash}`, options)
  onTestFinished(() => page.context().close())
  return { world, page, complaints }
}

const CHECKOUT = "#/policy/ScalingPolicy/shop/checkout"
const rowNames = (page: Page) => page.locator(".row .name").allTextContents()

describe("the fleet", () => {
  it("shows every policy, what is wrong on top, in both themes and without barriers", async () => {
    const { complaints, page } = await visit({ policies: SHOP }, "", { colorScheme: "light" })
    await page.getByText("Live", { exact: true }).waitFor()
    const names = await rowNames(page)
    assert.sameMembers(names.slice(0, 2), ["invoices", "search"])
    assert.include(await page.locator(".row", { hasText: "payments" }).innerText(), "missing")
    await assertAccessible(page)
    await page.getByRole("button", { name: "Use the dark theme" }).click()
    assert.strictEqual(await page.locator("html").getAttribute("data-theme"), "dark")
    await assertAccessible(page)
    assert.deepStrictEqual(complaints, [])
  })

  it("is searched, filtered and sorted", async () => {
    const { page } = await visit({ policies: SHOP })
    await page.getByRole("searchbox").fill("billing ledger")
    await page.locator(".row").nth(1).waitFor({ state: "detached" })
    assert.deepStrictEqual(await rowNames(page), ["ledger"])
    await page.getByRole("searchbox").fill("no such thing")
    await page.getByText("Nothing matches").waitFor()
    await page.getByRole("button", { name: "Show all" }).click()
    await page.getByRole("button", { name: /^Error/u }).click()
    assert.sameMembers(await rowNames(page), ["invoices", "search"])
    await page.getByRole("button", { name: /^All/u }).click()
    await page.getByRole("button", { name: "Replicas", exact: true }).click()
    const counts = (await page.locator(".row .c-replicas strong").allTextContents()).map(Number)
    assert.deepStrictEqual(
      counts,
      counts.toSorted((left, right) => right - left)
    )
    await page.getByLabel("Kind").selectOption("ScalingRule")
    await page.getByText("Nothing matches").waitFor()
  })

  it("goes by keyboard from the search to a policy and back", async () => {
    const { page } = await visit({ policies: SHOP })
    await page.locator(".row").first().waitFor()
    await page.keyboard.press("/")
    await page.keyboard.type("checkout")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { level: 1, name: "checkout" }).waitFor()
    await page.keyboard.press("a")
    await page.getByRole("heading", { level: 1, name: "Activity" }).waitFor()
    await page.keyboard.press("f")
    await page.locator(".row").first().waitFor()
  })

  it("is up to date by itself", async () => {
    const { page, world } = await visit({ policies: SHOP.slice(0, 2) })
    await page.locator(".row").first().waitFor()
    await world.show({ name: "newcomer", peak: 900 })
    await page.locator(".row", { hasText: "newcomer" }).waitFor()
    await world.show({ name: "newcomer", over: { mode: "Paused" } })
    await page.locator(".row", { hasText: "newcomer" }).getByText("Paused", { exact: true }).first().waitFor()
    assert.strictEqual(await page.locator(".row").count(), 3)
  })

  it("outlives the operator: says that it is old, and is live again when another answers", async () => {
    const { page, world } = await visit({ policies: SHOP.slice(0, 2) })
    await page.locator(".row", { hasText: "cart" }).waitFor()
    await world.close()
    await page.getByText("Not live").waitFor()
    assert.match(await page.getByRole("alert").innerText(), /What you see is as of \d\d:\d\d:\d\d/u)
    assert.strictEqual(await page.locator(".row").count(), 2, "what was known is still there")
    await open({ port: world.port, policies: SHOP.slice(0, 3) })
    await page.getByText("Live", { exact: true }).waitFor()
    await page.locator(".row", { hasText: "search" }).waitFor()
    assert.strictEqual(await page.getByRole("alert").count(), 0)
  })

  it("of nobody says what to do, of a standby who leads", async () => {
    const { page } = await visit({})
    await page.getByRole("heading", { name: "No policies yet" }).waitFor()
    await assertAccessible(page)
    const standby = await visit({ leadership: { leading: false, holder: "nimbusguard-operator-b_1" } })
    await standby.page.getByRole("heading", { name: "This operator is a standby" }).waitFor()
    assert.include(await standby.page.getByRole("main").innerText(), "nimbusguard-operator-b_1 leads")
    await assertAccessible(standby.page)
  })

  it("is readable on a phone, with nothing beside the screen", async () => {
    const { page } = await visit({ policies: SHOP }, "", { viewport: { width: 390, height: 800 } })
    await page.locator(".row").first().waitFor()
    const widthOf = () => page.evaluate("document.documentElement.scrollWidth")
    assert.isAtMost(Number(await widthOf()), 390)
    await assertAccessible(page)
    for (const hash of [CHECKOUT, "#/activity"]) {
      await page.goto(`${page.url().split("#")[0]}${hash}`)
      await page.getByRole("heading", { level: 1 }).waitFor()
      assert.isAtMost(Number(await widthOf()), 390, hash)
    }
  })
})

describe("a policy", () => {
  it("shows its course, its decisions as stories, its signals, limits and cost", async () => {
    const { complaints, page } = await visit({ policies: SHOP }, CHECKOUT)
    await page.getByRole("heading", { level: 1, name: "checkout" }).waitFor()
    await page.locator(".chart canvas").nth(2).waitFor()
    assert.strictEqual(await page.locator(".chart canvas").count(), 3)
    const story = page.locator(".story").first()
    for (const part of ["Seen", "Proposed", "Limited", "Decided", "Written"]) {
      assert.include(await story.innerText(), part)
    }
    assert.include(await page.getByRole("complementary").innerText(), "Saved against max")
    await page.locator(".story", { hasText: "Scaled" }).first().getByRole("button").click()
    assert.match(await page.locator(".story", { hasText: "Scaled" }).first().innerText(), /replicas, instead of/u)
    await assertAccessible(page)
    await page.keyboard.press("t")
    await assertAccessible(page)
    assert.deepStrictEqual(complaints, [])
  })

  it("moves with the operator, and never shows what is not known", async () => {
    const { page, world } = await visit({ policies: SHOP }, "#/policy/ScalingPolicy/shop/payments")
    await page.getByText("rps is missing (Unreachable)").first().waitFor()
    const figure = (name: string) => page.locator(".strip div", { hasText: name }).locator("dd").first()
    assert.strictEqual(await figure("Recommended").innerText(), "–")
    await world.show({ name: "payments", peak: 640, ticks: 200 })
    await page.locator(".strip div", { hasText: "Recommended" }).getByText(/\d/u).waitFor()
  })

  it("answers what if, prints what it takes for granted, and gives the YAML", async () => {
    const { page } = await visit({ policies: SHOP }, CHECKOUT)
    await page.getByRole("tab", { name: "What if" }).click()
    await page.getByLabel("Max replicas").fill("6")
    await page.getByRole("button", { name: "Replay" }).click()
    const panel = page.getByRole("tabpanel")
    await panel.getByText("The YAML that makes it so").waitFor()
    const told = await panel.innerText()
    assert.match(told, /maxReplicas: 6/u)
    assert.match(told, /What this takes for granted/u)
    assert.match(told, /latency: held as it was read/u)
    await assertAccessible(page)
    await page.getByLabel("Min replicas").fill("9")
    await page.getByRole("button", { name: "Replay" }).click()
    await page.getByRole("alert").getByText("min 9 is greater than max 6").waitFor()
  })

  it("is paused with a token that is sent once and not kept", async () => {
    const { Effect, Redacted } = await import("effect")
    const tokens: Array<string> = []
    const { page } = await visit(
      {
        policies: SHOP,
        kubernetesAs: { request: (token) => Effect.sync(() => (tokens.push(Redacted.value(token)), {})) }
      },
      CHECKOUT
    )
    await page.getByRole("button", { name: "Pause" }).click()
    await page.getByLabel("Your Kubernetes token").fill("janes-token")
    await assertAccessible(page)
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click()
    await page.getByText("Pause: done").waitFor()
    assert.deepStrictEqual(tokens, ["janes-token"])
    assert.notInclude(
      await page.evaluate("JSON.stringify([{ ...localStorage }, document.cookie, document.body.innerHTML])"),
      "janes-token"
    )
  })

  it("that is not there says so", async () => {
    const { page } = await visit({ policies: SHOP.slice(0, 1) }, "#/policy/ScalingPolicy/shop/gone")
    await page.getByRole("heading", { name: "No such policy" }).waitFor()
    await assertAccessible(page)
  })
})

describe("the activity", () => {
  it("is newest first, two hundred at most, and leads to the decision", async () => {
    const { page } = await visit({ policies: SHOP }, "#/activity")
    await page.locator("tbody tr").first().waitFor()
    const times = await page
      .locator("tbody time")
      .evaluateAll((all) => all.map((each) => each.getAttribute("datetime") ?? ""))
    assert.isTrue(times.every((time, index) => index === 0 || time <= (times[index - 1] ?? "")))
    assert.isAtMost(times.length, 200)
    await assertAccessible(page)
    await page.locator("tbody tr", { hasText: "checkout" }).first().getByRole("link").click()
    await page.getByRole("heading", { level: 1, name: "checkout" }).waitFor()
    const sought = page.locator(".story", { has: page.locator("[aria-expanded=true]") })
    await sought.getByText("Scaled", { exact: true }).first().waitFor()
  })

  it("of a quiet operator says that nothing was scaled", async () => {
    const { page } = await visit({}, "#/activity")
    await page.getByRole("heading", { name: "Nothing was scaled yet" }).waitFor()
  })
})

describe("names from the cluster", () => {
  const hostile = [
    `<script>window.caught = 1</script><img src=x onerror="window.caught = 2">`,
    "a".repeat(253),
    "\u202Eזה-שם‮",
    `"';--%2F..%2F#?&`
  ]

  it("do nothing but be shown: markup, 253 characters, right to left, and what an address means something by", async () => {
    const policies = hostile.map((name) => ({ name, namespace: name.slice(0, 63), ticks: 30 }))
    const { complaints, page } = await visit({ policies })
    await page.locator(".row").nth(3).waitFor()
    for (const name of hostile) {
      await page.locator(".row .name").filter({ hasText: name }).click()
      await page.getByRole("heading", { level: 1 }).filter({ hasText: name }).waitFor()
      assert.isAtMost(Number(await page.evaluate("document.documentElement.scrollWidth")), 1360)
      await page.locator(".chart canvas").first().waitFor()
      await page.goBack()
      await page.locator(".row").nth(3).waitFor()
    }
    await page.getByRole("link", { name: "Activity", exact: true }).click()
    await page.getByRole("heading", { level: 1, name: "Activity" }).waitFor()
    assert.isUndefined(await page.evaluate("window.caught"))
    assert.deepStrictEqual(complaints, [])
  })
})
