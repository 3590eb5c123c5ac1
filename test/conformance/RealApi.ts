/** A real API server as a conformance case sees it. */
import { request as httpsRequest } from "node:https"
import type { Api, Seen, Sent } from "#test/conformance/Api"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"

export const realApi = (cluster: Cluster, namespace: string): Api => {
  const open = (method: string, path: string, { accept = "application/json", body, contentType }: Sent) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
    const request = httpsRequest(`${cluster.url}${path}`, {
      method,
      ca: cluster.ca,
      headers: {
        accept,
        authorization: `Bearer ${cluster.address.adminToken}`,
        "user-agent": "conformance",
        ...(text === undefined
          ? {}
          : { "content-type": contentType ?? "application/json", "content-length": String(Buffer.byteLength(text)) })
      }
    })
    request.end(text)
    return request
  }
  return {
    namespace,
    send: (method, path, sent = {}) =>
      new Promise((resolve, reject) => {
        const request = open(method, path, sent)
        request.once("error", reject)
        request.once("response", (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.once("end", () => {
            const warning = response.headers["warning"]
            const text = Buffer.concat(chunks).toString()
            resolve({
              status: response.statusCode ?? 0,
              body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { text },
              warnings: warning === undefined ? [] : [warning].flat()
            })
          })
        })
      }),
    watch: (path, accept) =>
      new Promise((resolve, reject) => {
        const request = open("GET", path, accept === undefined ? {} : { accept })
        request.on("error", reject)
        request.once("response", (response) => {
          const events: Array<Seen> = []
          let rest = ""
          response.setEncoding("utf8").on("data", (chunk: string) => {
            const lines = `${rest}${chunk}`.split("\n")
            rest = lines.pop() ?? ""
            events.push(...lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Seen))
          })
          response.on("error", () => undefined) // closed by us
          resolve({
            close: () => request.destroy(),
            first: async (count) => {
              await eventually(() => events.length >= count, { what: `${count} events`, timeoutMillis: 20_000 })
              return events.slice(0, count)
            }
          })
        })
      })
  }
}
