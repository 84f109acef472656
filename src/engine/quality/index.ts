export { type DtypeQuality, MAX_QUALITY_TOKENS, measureQuality, type QualityReport } from './measure.js';
