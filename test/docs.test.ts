/**
 * Reads README.md and docs/ and holds them to the repository: a path in backticks exists, a link leads somewhere,
 * a `make` target and an npm script can be called. A page that has drifted sends a newcomer the wrong way.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { posix } from "node:path"
import { assert, describe, it } from "vitest"

const root = new URL("..", import.meta.url).pathname

const read = (path: string) => readFileSync(root + path, "utf8")

interface Repository {
  readonly exists: (path: string) => boolean
  readonly targets: ReadonlySet<string>
  readonly scripts: ReadonlySet<string>
}

/** Where a path of ours can begin; what npm, a build or a run makes is not promised to be there. */
const TOPS = ["src", "schemas", "test", "docs", "manifests", ".ci"]
const TOP_FILES =
  /^(?:Makefile|Dockerfile|README\.md|LICENSE|package\.json|package-lock\.json|tsconfig\.json|\.[\w.-]+rc(?:\.json)?)$/u
const PLACEHOLDER = /[<>*{}$…\s]|\.\.\./u

const looksLikeAPath = (text: string): boolean =>
  !PLACEHOLDER.test(text) && (TOP_FILES.test(text) || TOPS.some((top) => text.startsWith(`${top}/`)))

const withoutPosition = (path: string): string => path.replace(/(?::\d+(?:-\d+)?|#.*)$/u, "").replace(/\/$/u, "")

/** Every promise of a page that the repository does not keep. */
const broken = (page: string, text: string, repository: Repository): ReadonlyArray<string> => {
  const prose = text.replaceAll(/^(?<fence>```|~~~)[\s\S]*?^\k<fence>/gmu, "")
  const fences = [...text.matchAll(/^(?<fence>```|~~~)(?<body>[\s\S]*?)^\k<fence>/gmu)].map(
    (match) => match.groups?.["body"] ?? ""
  )
  const code = [...prose.matchAll(/(?<!`)`(?<code>[^`\n]+)`(?!`)/gu)].map((match) => match.groups?.["code"] ?? "")
  const commands = [...fences, ...code]

  const paths = code
    .filter(looksLikeAPath)
    .map(withoutPosition)
    .filter((path) => !repository.exists(path))
    .map((path) => `\`${path}\` does not exist`)
  const links = [...prose.matchAll(/\]\((?<target>[^)\s]+)\)/gu)]
    .map((match) => match.groups?.["target"] ?? "")
    .filter((target) => !/^(?:[a-z]+:|#|\/)/u.test(target))
    .filter((target) => !repository.exists(posix.join(posix.dirname(page), withoutPosition(target))))
    .map((target) => `the link to ${target} leads nowhere`)
  const targets = named(commands, /(?:^|[\s$;&|(])make(?<words>(?: +[\w.=/:-]+)+)/gmu)
    .filter((word) => !word.startsWith("-") && !word.includes("=") && !repository.targets.has(word))
    .map((word) => `\`make ${word}\` is no target of the Makefile`)
  const scripts = named(commands, /(?:^|[\s$;&|(])npm run(?: --?[\w-]+)*(?<words> +[\w:.-]+)/gmu)
    .filter((word) => !repository.scripts.has(word))
    .map((word) => `\`npm run ${word}\` is no script of package.json`)
  return [...paths, ...links, ...targets, ...scripts].map((problem) => `${page}: ${problem}`)
}

const named = (texts: ReadonlyArray<string>, pattern: RegExp): ReadonlyArray<string> =>
  texts.flatMap((text) =>
    [...text.matchAll(pattern)].flatMap((match) => (match.groups?.["words"] ?? "").trim().split(/ +/u))
  )

const repository: Repository = {
  exists: (path) => existsSync(root + path),
  targets: new Set(
    [...read("Makefile").matchAll(/^(?<names>[a-z][\w .-]*):(?!=)/gmu)].flatMap((match) =>
      (match.groups?.["names"] ?? "").split(" ")
    )
  ),
  scripts: new Set(Object.keys((JSON.parse(read("package.json")) as { readonly scripts: object }).scripts))
}

describe("the documentation", () => {
  it("names only paths, links, targets and scripts that exist", () => {
    const pages = globSync(["README.md", "docs/**/*.md", "manifests/**/*.md", "test/**/*.md"], { cwd: root }).toSorted()
    const problems = pages.flatMap((page) => broken(page, read(page), repository))
    assert.deepStrictEqual(problems, [], `\n${problems.join("\n")}\n`)
  })

  it("could name the targets and scripts there are", () => {
    for (const target of ["help", "check", "test"]) assert.isTrue(repository.targets.has(target), target)
    for (const script of ["check", "test"]) assert.isTrue(repository.scripts.has(script), script)
  })
})

describe("the reader of the documentation", () => {
  const small: Repository = {
    exists: (path) => ["src/main.ts", "docs/STYLE.md", "docs", "src/domain"].includes(path),
    targets: new Set(["test", "check"]),
    scripts: new Set(["dev"])
  }
  const problemsOf = (text: string) => broken("docs/PAGE.md", text, small)

  it.each([
    "see `src/domain/gone.ts`",
    "see `Makefile`",
    "see `src/gone/`",
    "see [style](./GONE.md#names)",
    "run `make tests`",
    "```sh\nmake check deploi\n```",
    "run `npm run developed`",
    "```\n$ npm run --silent debug -- --port 1\n```"
  ])("catches %j", (text) => {
    assert.strictEqual(problemsOf(text).length, 1)
  })

  it.each([
    "see `src/main.ts`, `src/main.ts:12` and `src/domain/`",
    "see [style](STYLE.md#names) and [elsewhere](https://example.com/gone)",
    "write `src/engines/<name>.ts` or `test/**`",
    "run `make test`, `make -j2 check`, `make check IMAGE=x`",
    "```sh\nmake test && npm run dev -- --help\n```",
    "they make tests, and `remake all` is not make",
    '```ts\nimport x from "src/gone.ts"\n```',
    "an option `kubernetes/scale`"
  ])("lets pass %j", (text) => {
    assert.deepStrictEqual(problemsOf(text), [])
  })
})
