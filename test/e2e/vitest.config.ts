import { defineConfig } from "vitest/config"

// One browser and one world at a time: what is measured here is the page, and not how busy the machine is.
export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  test: {
    include: ["test/e2e/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
