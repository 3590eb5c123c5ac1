/**
 * Makes the page's files from its sources: one script, one stylesheet, the document that names both. Run by the build,
 * and with the first look at the page of an operator that runs from its sources, so neither can show an old page.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"

export interface PageFile {
  /** As it is asked for, without the leading slash; the document itself is index.html. */
  readonly name: string
  readonly text: string
}

const folder = join(import.meta.dirname, "app")
const read = (name: string): string => readFileSync(join(folder, name), "utf8")

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8)

/** Comments and the spaces that only people need. */
const tighten = (css: string): string =>
  css
    .replaceAll(/\/\*[\s\S]*?\*\//gu, "")
    .replaceAll(/\s+/gu, " ")
    .replaceAll(/ ?([{};,>]) ?/gu, "$1")
    .trim()

const script = async (): Promise<string> => {
  const { rolldown } = await import("rolldown")
  const bundle = await rolldown({
    input: join(folder, "main.tsx"),
    platform: "browser",
    tsconfig: join(folder, "tsconfig.json")
  })
  try {
    const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false })
    return output[0].code
  } finally {
    await bundle.close()
  }
}

export const bundlePage = async (): Promise<ReadonlyArray<PageFile>> => {
  const uplot = createRequire(import.meta.url).resolve("uplot/dist/uPlot.min.css")
  const code = await script()
  const css = tighten(readFileSync(uplot, "utf8") + read("app.css"))
  const icon = read("icon.svg").trim()
  const files = [
    { name: `page/app-${hashOf(code)}.js`, text: code },
    { name: `page/app-${hashOf(css)}.css`, text: css },
    { name: `page/icon-${hashOf(icon)}.svg`, text: icon }
  ] as const
  const document = read("index.html")
    .replace("app.js", files[0].name)
    .replace("app.css", files[1].name)
    .replace("icon.svg", files[2].name)
  return [...files, { name: "index.html", text: document }]
}
