/**
 * Exponential back-off with full jitter: anything between 0 and the ceiling, so that clients that were
 * lost together do not come back together.
 * @param {number} attempt 0 for the first
 * @param {number} base ms, the first ceiling
 * @param {number} max ms, the highest ceiling
 * @param {() => number} random 0 to 1
 * @returns {number} ms
 */
export function backoff(attempt, base, max, random) {
  return random() * Math.min(max, base * 2 ** Math.min(attempt, 30));
}
