import { defineConfig } from "vitest/config"

// Unit tests run in virtual time and need nothing but this process; what needs real servers is under
// test/integration and has its own command, so that `make test` is the same everywhere.
export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/integration/**", "test/e2e/**"],
    maxWorkers: 2,
    testTimeout: 30_000
  }
})
