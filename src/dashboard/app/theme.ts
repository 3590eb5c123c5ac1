/** Light or dark: as the system has it, until somebody chooses; the choice stays in this browser. */
import { signal } from "@preact/signals"

export type Theme = "light" | "dark"

const KEY = "nimbusguard.theme"
const system = matchMedia("(prefers-color-scheme: dark)")

const stored = (): Theme | undefined => {
  try {
    const text = localStorage.getItem(KEY)
    return text === "light" || text === "dark" ? text : undefined
  } catch {
    return undefined
  }
}

export const theme = signal<Theme>(stored() ?? (system.matches ? "dark" : "light"))

const wear = (): void => {
  document.documentElement.dataset["theme"] = theme.value
}

export const changeTheme = (): void => {
  theme.value = theme.value === "dark" ? "light" : "dark"
  wear()
  try {
    localStorage.setItem(KEY, theme.value)
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}

export const followSystem = (): void => {
  wear()
  system.addEventListener("change", () => {
    if (stored() !== undefined) return
    theme.value = system.matches ? "dark" : "light"
    wear()
  })
}
