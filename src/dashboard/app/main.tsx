/** The page: what stands above every view, and which view it is. */
import { render } from "preact"
import { useEffect } from "preact/hooks"
import { ActivityPage } from "./ActivityPage.tsx"
import { FleetPage } from "./FleetPage.tsx"
import { fleet, keepTime, link, start } from "./fleetState.ts"
import { PolicyPage } from "./PolicyPage.tsx"
import { followAddress, route } from "./route.ts"
import { changeTheme, followSystem, theme } from "./theme.ts"
import { clock } from "./words.ts"

const LinkState = () => {
  switch (link.value._tag) {
    case "Connecting":
      return (
        <span class="link" role="status">
          <i />
          Connecting
        </span>
      )
    case "Live":
      return (
        <span class="link live" role="status">
          <i />
          Live
        </span>
      )
    case "Lost":
      return (
        <span class="link lost" role="status">
          <i />
          Not live
        </span>
      )
  }
}

const Banner = () => {
  const state = link.value
  if (state._tag === "Lost") {
    return (
      <p class="banner warn" role="alert">
        {fleet.value === undefined
          ? `${state.why} Trying again.`
          : `${state.why} What you see is as of ${clock(state.since)}; trying again.`}
      </p>
    )
  }
  const known = fleet.value
  if (known === undefined) return null
  if (!known.leadership.leading) {
    return (
      <p class="banner" role="status">
        This operator is a standby.{" "}
        {known.leadership.holder === undefined ? "Nobody leads at the moment." : `${known.leadership.holder} leads.`}
      </p>
    )
  }
  const wrong = known.components.filter(({ healthy, name }) => healthy === false && name !== "leader")
  if (wrong.length === 0) return null
  return (
    <p class="banner warn" role="status">
      {wrong.map(({ detail, name }) => `${name}: ${detail}`).join("  ")}
    </p>
  )
}

const View = () => {
  const at = route.value
  switch (at._tag) {
    case "Fleet":
      return <FleetPage />
    case "Activity":
      return <ActivityPage />
    case "Policy":
      return (
        <PolicyPage
          key={`${at.policy.kind}/${at.policy.namespace}/${at.policy.name}`}
          policy={at.policy}
          decision={at.decision}
        />
      )
  }
}

const titles = { Fleet: "Fleet", Activity: "Activity", Policy: "" }

const App = () => {
  const at = route.value
  useEffect(() => {
    document.title = `${at._tag === "Policy" ? at.policy.name : titles[at._tag]} · NimbusGuard`
  }, [at])
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
      if (event.key === "Escape" && typing && event.target instanceof HTMLElement) event.target.blur()
      if (typing || document.querySelector("dialog[open]") !== null) return
      if (event.key === "/") {
        const search = document.getElementById("search")
        if (search === null) location.hash = "#/"
        else {
          event.preventDefault()
          search.focus()
        }
      } else if (event.key === "t") changeTheme()
      else if (event.key === "f") location.hash = "#/"
      else if (event.key === "a") location.hash = "#/activity"
      else if (event.key === "Escape" && route.value._tag !== "Fleet") location.hash = "#/"
    }
    addEventListener("keydown", key)
    return () => removeEventListener("keydown", key)
  }, [])
  return (
    <div class={`app${link.value._tag === "Lost" ? " stale" : ""}`}>
      <header>
        <a class="brand" href="#/">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2.5 12.5v-3M6.2 12.5v-5M9.8 12.5v-7M13.5 12.5v-9" />
          </svg>
          NimbusGuard
        </a>
        <nav aria-label="Views">
          <a href="#/" aria-current={at._tag === "Fleet" ? "page" : undefined}>
            Fleet
          </a>
          <a href="#/activity" aria-current={at._tag === "Activity" ? "page" : undefined}>
            Activity
          </a>
        </nav>
        <span class="spacer" />
        <LinkState />
        <button
          type="button"
          class="theme"
          onClick={changeTheme}
          aria-label={`Use the ${theme.value === "dark" ? "light" : "dark"} theme`}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <circle cx="8" cy="8" r="5.5" />
            <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" class="half" />
          </svg>
        </button>
      </header>
      <Banner />
      <View />
      <footer class="dim">
        <span>
          <kbd>/</kbd> search <kbd>j</kbd>
          <kbd>k</kbd> move <kbd>↵</kbd> open <kbd>f</kbd> fleet <kbd>a</kbd> activity <kbd>t</kbd> theme
        </span>
        <span class="spacer" />
        <a href="/api/v1/openapi.json">API</a>
        <span>{fleet.value === undefined ? "" : `v${fleet.value.version}`}</span>
      </footer>
    </div>
  )
}

followSystem()
followAddress()
keepTime()
start()
const root = document.getElementById("app")
if (root !== null) render(<App />, root)
