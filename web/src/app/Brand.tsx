import { useTranslation } from 'react-i18next';

/** The mark: threads crossing. */
export function Brand({ className }: { className?: string | undefined }) {
  const { t } = useTranslation();
  return (
    <span className={className}>
      <svg
        width="20"
        height="20"
        viewBox="0 0 20 20"
        fill="none"
        strokeWidth="2.4"
        strokeLinecap="round"
        aria-hidden="true"
      >
        <path d="M5 2v16M10 2v16M15 2v16" stroke="var(--mark)" />
        <path d="M2 6h6.5M11.5 6H18M2 14h6.5M11.5 14H18M2 10h1.6M6.4 10h7.2M16.4 10H18" stroke="var(--accent)" />
      </svg>
      {t('weft')}
    </span>
  );
}
