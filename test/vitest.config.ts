import { defineConfig } from "vitest/config"

// Unit tests run in virtual time and need nothing but this process; what needs real servers is under
// test/integration and has its own command, so that `make test` is the same everywhere.
export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/integration/**", "test/e2e/**"],
    maxWorkers: 2,
    // Files share what they import: nothing in src outlives a test at the level of a module, and reading Effect anew for
    // each of some 350 files would take longer than most of them.
    isolate: false,
    // Of what hangs, and of nothing else: on a machine that is busy otherwise, a second of work takes ten.
    testTimeout: 120_000
  }
})
