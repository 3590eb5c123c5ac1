/**
 * The page's files over HTTP. The build has put them beside the bundle, already compressed; from sources they are made
 * once, when somebody first looks, or before in the background where whoever serves them asks for it. Their names change
 * with their content, so a browser may keep them for ever.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { refuse } from "#dashboard/guard"

interface Asset {
  readonly contentType: string
  readonly zipped: Uint8Array
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8"
}

/** Where the build puts them: flat, as `page-app-1234.js.gz` would be a path of its own. */
export const BUILT_FOLDER = "page"

const assetOf = (name: string, zipped: Uint8Array): readonly [string, Asset] => [
  name,
  { contentType: CONTENT_TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream", zipped }
]

const DOCUMENT = "index.html"

const readBuilt = (folder: string): ReadonlyMap<string, Asset> =>
  new Map(
    readdirSync(folder).map((file) => {
      const name = file.replace(/\.gz$/u, "")
      return assetOf(name === DOCUMENT ? name : `page/${name}`, readFileSync(join(folder, file)))
    })
  )

/** Whether the files are made in the background before anybody looks: for a demo, at which somebody will. */
export const MakesPageEarly = Context.Reference<boolean>("nimbusguard/dashboard/MakesPageEarly", {
  defaultValue: () => false
})

const load = Effect.promise(async (): Promise<ReadonlyMap<string, Asset>> => {
  const folder = join(import.meta.dirname, BUILT_FOLDER)
  if (existsSync(join(folder, `${DOCUMENT}.gz`))) return readBuilt(folder)
  const { bundlePage } = await import("#dashboard/bundlePage")
  return new Map((await bundlePage()).map(({ name, text }) => assetOf(name, gzipSync(text, { level: 9 }))))
}).pipe(Effect.tap((files) => Effect.logDebug(`The page is there: ${[...files.keys()].join(", ")}`)))

const answer = ({ contentType, zipped }: Asset, isDocument: boolean) =>
  HttpServerRequest.HttpServerRequest.useSync(({ headers }) => {
    const cache = isDocument ? "no-cache" : "public, max-age=31536000, immutable"
    const common = { "cache-control": cache, vary: "accept-encoding" }
    return /\bgzip\b/u.test(headers["accept-encoding"] ?? "")
      ? HttpServerResponse.uint8Array(zipped, { contentType, headers: { ...common, "content-encoding": "gzip" } })
      : HttpServerResponse.uint8Array(gunzipSync(zipped), { contentType, headers: common })
  })

export const assetRoutes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const assets = yield* Effect.cached(load)
    if (yield* MakesPageEarly) yield* Effect.forkScoped(assets)
    const serve = (name: string) =>
      Effect.flatMap(assets, (all) => {
        const found = all.get(name)
        return found === undefined
          ? Effect.succeed(refuse(404, "This file is another version's: load the page again"))
          : answer(found, name === DOCUMENT)
      })
    yield* router.add("GET", "/", serve(DOCUMENT))
    yield* router.add(
      "GET",
      "/page/*",
      HttpServerRequest.HttpServerRequest.use(({ url }) => serve((url.split("?", 1)[0] ?? "").slice(1)))
    )
  })
)
