/**
 * Models of the hub: fetching them into the cache that all its programs share, finding, listing and removing them there.
 */
export { type CachedModel, cachedModels, removeCachedModel } from './cached-models.js';
export type { GgufModel } from './fetch-plan.js';
export { findSnapshot } from './find-snapshot.js';
export { checkedHubName, type HubName, hubNameText, isRepoName, parseHubName } from './names/names.js';
export { hubCacheFolder, type HubSettings, hubSettings } from './names/settings.js';
export { pullModel, type PullOptions, type PullOutcome, type PullPlan, type PullProgress } from './pull.js';
