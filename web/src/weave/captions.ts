import { useTranslation } from 'react-i18next';
import './strings';
import type { WeaveMap } from './cloth';

/** How to read the matrix, in a sentence. */
export function useMatrixCaption(map: WeaveMap): string {
  const { t } = useTranslation('weave');
  const most = map.columns === 0 ? 0 : Math.ceil(map.pieces / map.columns);
  return most > 1 ? t('matrixCaptionGathered', { count: most }) : t('matrixCaption');
}

/** How to read the histogram, in a sentence. */
export function useAvailabilityCaption(map: WeaveMap): string {
  const { t } = useTranslation('weave');
  return map.pieces > map.columns ? t('availabilityCaptionGathered') : t('availabilityCaption');
}
