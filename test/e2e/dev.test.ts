// The page on a whole world: `nimbusguard dev` as a person starts it, its own operator, its own load.
import { spawn, type ChildProcess } from "node:child_process"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import type { Browser } from "playwright-core"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { assertAccessible, launch, look } from "#test/e2e/Browser"

const root = new URL("../..", import.meta.url).pathname

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

let browser: Browser
let world: ChildProcess
let url = ""

const start = async () => {
  const port = url === "" ? await freePort() : Number(new URL(url).port)
  const [metrics, probes, api, load, prometheus] = await Promise.all(Array.from({ length: 5 }, freePort))
  url = `http://127.0.0.1:${port}`
  const ports = ["--api-port", api, "--load-port", load, "--prometheus-port", prometheus].map(String)
  const env = {
    ...process.env,
    DASHBOARD_PORT: String(port),
    METRICS_PORT: String(metrics),
    PROBE_PORT: String(probes)
  }
  world = spawn(process.execPath, ["src/main.ts", "dev", "--speed", "10", ...ports], {
    cwd: root,
    env,
    stdio: "ignore"
  })
}

const stop = () =>
  new Promise<void>((resolve) => {
    world.once("exit", () => resolve())
    world.kill("SIGTERM")
  })

beforeAll(async () => {
  browser = await launch()
  await start()
  for (;;) {
    const answer = await fetch(`${url}/api/v1/fleet`).then(
      (response) => response.json() as Promise<{ readonly rows: ReadonlyArray<unknown> }>,
      () => undefined
    )
    if ((answer?.rows.length ?? 0) > 0) return
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
})
afterAll(async () => {
  await stop()
  await browser.close()
})

describe("the page on nimbusguard dev", () => {
  it("shows policies of all kinds at work, and one of them with its course", async () => {
    const { complaints, page } = await look(browser, url)
    for (const kind of ["ScalingPolicy", "IntelligentScaling", "ScalingRule", "GeneralScaler"]) {
      await page.locator(".row", { hasText: kind }).first().waitFor()
    }
    await page.locator(".row", { hasText: "Active" }).first().waitFor()
    await assertAccessible(page)
    await page.locator(".row", { hasText: "ScalingPolicy" }).first().getByRole("link").click()
    await page.locator(".chart canvas").first().waitFor()
    await page.locator(".story").first().waitFor()
    await page.getByText("The mode is changed with kubectl").waitFor()
    assert.strictEqual(await page.getByRole("button", { name: "Pause" }).count(), 0, "dev could only refuse it")
    await assertAccessible(page)
    await page.getByRole("tab", { name: "What if" }).click()
    await page.getByRole("button", { name: "Replay" }).click()
    await page.getByText("What this takes for granted").waitFor()
    assert.deepStrictEqual(complaints, [])
  })

  it("is live again when the whole world has been started anew under it", async () => {
    const { page } = await look(browser, url)
    await page.getByText("Live", { exact: true }).waitFor()
    await stop()
    await page.getByText("Not live").waitFor()
    await start()
    await page.getByText("Live", { exact: true }).waitFor({ timeout: 50_000 })
    await page.locator(".row", { hasText: "ScalingRule" }).first().waitFor()
  })
})
