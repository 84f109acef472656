/**
 * Which links are slow when: seeded, so that every strategy meets the same noise. Pure.
 */
import type { ClusterProfile } from './cluster.js';

/** @returns by what factor a link is slowed while it carries a layer; 1 where there is no noise */
function linkSlowdown(cluster: ClusterProfile, link: number, layer: number): number {
  const { noise } = cluster;
  if (noise === undefined) return 1;
  return hash(noise.seed, link, layer) < noise.share ? noise.slowdown : 1;
}

/** Milliseconds a link takes for `bytes` of a layer, without its latency. */
export function carryMs(cluster: ClusterProfile, link: number, layer: number, bytes: number): number {
  return (1000 * bytes * linkSlowdown(cluster, link, layer)) / cluster.link.bytesPerS;
}

/** A number in [0, 1) for each triple (murmur-like mixing). */
function hash(seed: number, link: number, layer: number): number {
  let mixed = Math.imul(
    seed ^ Math.imul(link + 1, 0x9e3779b1) ^ Math.imul(layer + 1, 0x85ebca77),
    0xc2b2ae3d,
  );
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x27d4eb2f);
  mixed ^= mixed >>> 13;
  return (mixed >>> 0) / 2 ** 32;
}
