/** The embedded API as a conformance case sees it. */
import { ApiServer } from "#cluster/api/ApiServer"
import type { WatchEvent } from "#cluster/api/watches"
import { type Api, type Json, type Sent, WIDGETS } from "#test/conformance/Api"

export const embeddedApi = (namespace = "conformance"): Api & { readonly server: ApiServer } => {
  // Times move, or two writes within one second could not be told apart by anybody.
  let now = Date.UTC(2026, 0, 1)
  const server = new ApiServer(() => (now += 10))
  server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
  server.create(WIDGETS as never)
  // A version that was, so that the first can be too old.
  server.store.compact()
  const asked = (method: string, path: string, sent: Sent = {}) => {
    const url = new URL(path, "http://embedded")
    return {
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      userAgent: "conformance",
      ...sent
    }
  }
  return {
    namespace,
    server,
    send: async (method, path, sent) => {
      const request = asked(method, path, sent)
      const opened = request.query["watch"] === "true" ? server.watch(request) : undefined
      const answer = opened !== undefined && "status" in opened ? opened : server.handle(request)
      // As over a wire: nobody sees an object that could still change.
      const body = JSON.parse(JSON.stringify(answer.body)) as Json
      return { status: answer.status, body, warnings: answer.warnings ?? [] }
    },
    watch: async (path, accept) => {
      const opened = server.watch(asked("GET", path, accept === undefined ? {} : { accept }))
      if ("status" in opened) throw new Error(JSON.stringify(opened.body))
      const events: Array<WatchEvent> = [...opened.events]
      const close = opened.listen((event) => void events.push(event))
      const first = async (count: number) => {
        if (events.length < count)
          throw new Error(`only ${events.length} of ${count} events: ${JSON.stringify(events)}`)
        return events.slice(0, count)
      }
      return { first, close }
    }
  }
}
