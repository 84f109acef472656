export {
  type FormQuality,
  formLabel,
  measureQuality,
  type ModelForm,
  type QualityReport,
} from './measure.js';
