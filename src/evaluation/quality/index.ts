export {
  type FormQuality,
  formLabel,
  MAX_QUALITY_TOKENS,
  measureQuality,
  type ModelForm,
  type QualityReport,
} from './measure.js';
