import { useTranslation } from 'react-i18next';
import { Button } from 'react-aria-components/Button';
import { Header } from 'react-aria-components/Header';
import { Menu, MenuItem, MenuSection, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { signOut, useSession } from '../api/session';
import { useFeed } from '../feed/store';
import { shortKey } from '../figures';
import { cx } from '../look/cx';
import { Identicon } from '../look/Identicon';
import { Name } from '../look/Name';
import pop from '../look/Popover.module.css';
import styles from './DeviceMenu.module.css';
import { LANGUAGES, setLanguage } from './i18n';
import { setTheme, THEMES, useTheme } from './theme';

/** Languages are named in themselves: who looks for one may not read the other. */
const OWN_NAMES: Record<(typeof LANGUAGES)[number], string> = { en: 'English', de: 'Deutsch' };

/** Whose node this is, and how the page looks to you. */
export function DeviceMenu() {
  const { t, i18n } = useTranslation();
  const theme = useTheme((state) => state.theme);
  const node = useFeed((state) => state.node.status);
  const session = useSession();
  const peer = node?.peer ?? session.peer ?? '';
  const name = node?.device_name ?? session.device_name ?? '';
  return (
    <MenuTrigger>
      <Button className={cx(styles.me)}>
        {/* Before the name that is seen, so that both are the button's name. */}
        <span className="unseen">{t('me.menu')}: </span>
        <span className={styles.icon}>{peer && <Identicon of={peer} />}</span>
        <span className={styles.words}>
          {name && <Name text={name} oneLine />}
          <span className={styles.key}>{peer && shortKey(peer)}</span>
        </span>
      </Button>
      <Popover className={cx(pop.popover)} placement="top start" offset={4}>
        <Menu aria-label={t('me.menu')} className={cx(pop.list)}>
          <MenuSection
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[theme]}
            onSelectionChange={(keys) => {
              const chosen = THEMES.find((one) => keys !== 'all' && keys.has(one));
              if (chosen) setTheme(chosen);
            }}
          >
            <Header className={cx(styles.head)}>{t('me.theme')}</Header>
            {THEMES.map((one) => (
              <MenuItem key={one} id={one} className={cx(pop.item, styles.choice)}>
                {t(`me.${one}`)}
              </MenuItem>
            ))}
          </MenuSection>
          <MenuSection
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[i18n.language]}
            onSelectionChange={(keys) => {
              const chosen = LANGUAGES.find((one) => keys !== 'all' && keys.has(one));
              if (chosen) setLanguage(chosen);
            }}
          >
            <Header className={cx(styles.head)}>{t('me.language')}</Header>
            {LANGUAGES.map((one) => (
              <MenuItem key={one} id={one} className={cx(pop.item, styles.choice)}>
                {OWN_NAMES[one]}
              </MenuItem>
            ))}
          </MenuSection>
          <MenuSection>
            <Header className={cx(styles.head)}>{t('me.session')}</Header>
            <MenuItem className={cx(pop.item, styles.choice)} onAction={() => void signOut()}>
              {t('me.sign-out')}
            </MenuItem>
          </MenuSection>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
