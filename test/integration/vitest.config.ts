import { defineConfig } from "vitest/config"

// One control plane for the whole run, started by setup.ts. Files run one after the other: they share two cores, and
// one of them kills the API server.
export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  test: {
    include: ["test/integration/**/*.test.ts"],
    globalSetup: ["test/integration/setup.ts"],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000
  }
})
