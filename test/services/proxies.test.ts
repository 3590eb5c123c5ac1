import { assert, describe, it } from "vitest"
import { proxyFor } from "#services/proxies"

const http = "http://proxy:3128"
const https = "http://secure-proxy:3128"

const CASES: ReadonlyArray<readonly [string, string, string | undefined]> = [
  ["http://a.example/", "", http],
  ["https://a.example/", "", https],
  ["http://a.example/", "*", undefined],
  ["http://a.example/", "a.example", undefined],
  ["http://A.EXAMPLE./", "a.example", undefined],
  ["http://b.a.example/", "a.example", undefined],
  ["http://b.a.example/", ".a.example", undefined],
  ["http://a.example/", ".a.example", undefined],
  ["http://b.a.example/", "*.a.example", undefined],
  ["http://ba.example/", "a.example", http],
  ["http://a.example.com/", "a.example", http],
  ["http://a.example:8080/", "a.example:8080", undefined],
  ["http://a.example/", "a.example:8080", http],
  ["http://a.example/", "a.example:80", undefined],
  ["https://a.example/", "a.example:443", undefined],
  ["http://a.example/", "b.example, ,a.example", undefined],
  ["http://a.example/", "b.example a.example", undefined],
  ["http://10.1.2.3/", "10.0.0.0/8", undefined],
  ["http://11.1.2.3/", "10.0.0.0/8", http],
  ["http://10.1.2.3/", "10.1.2.3", undefined],
  ["http://10.1.2.3/", "3", http],
  ["http://[fd00::1]/", "fd00::/8", undefined],
  ["http://[fd00::1]/", "fd00::1", undefined],
  ["http://[fd00::1]/", "[fd00::1]:80", undefined],
  ["http://a.example/", "10.0.0.0/8", http],
  ["http://10.1.2.3/", "10.0.0.0/99", http],
  ["http://10.1.2.3/", "10.0.0.0/x", http],
  ["http://prometheus.monitoring.svc/", ".svc,.cluster.local", undefined],
  ["http://localhost:9090/", "", undefined],
  ["http://127.0.0.1:9090/", "", undefined],
  ["http://[::1]:9090/", "", undefined]
]

describe("the proxy", () => {
  it.each(CASES)("of %s with NO_PROXY=%s is %s", (url, except, proxy) => {
    assert.strictEqual(proxyFor({ http, https, except }, new URL(url)), proxy)
  })

  it("is none when none is set", () => {
    assert.isUndefined(proxyFor({ http: undefined, https, except: undefined }, new URL("http://a.example/")))
    assert.isUndefined(proxyFor({ http, https: "", except: undefined }, new URL("https://a.example/")))
  })
})
