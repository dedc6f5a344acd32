/** Makes the function that prints what is going on, with the seconds since it was made. */
export function createSay(): (line: string) => void {
  const startedMs = Date.now()
  return (line) => {
    console.error(`${((Date.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${line}`)
  }
}
