import type { ReactNode } from 'react';
import { Tab, TabList, TabPanel, Tabs as Base } from 'react-aria-components/Tabs';
import { cx } from './cx';
import styles from './Tabs.module.css';

export interface TabsProps<T extends string> {
  label: string;
  selected: T;
  onSelect: (id: T) => void;
  tabs: readonly { id: T; label: ReactNode; content: ReactNode }[];
}

/** Views of one thing; only the chosen one is built. */
export function Tabs<T extends string>({ label, selected, onSelect, tabs }: TabsProps<T>) {
  return (
    <Base
      selectedKey={selected}
      onSelectionChange={(key) => {
        const tab = tabs.find((one) => one.id === key);
        if (tab) onSelect(tab.id);
      }}
      className={cx(styles.tabs)}
    >
      <TabList aria-label={label} className={cx(styles.list)}>
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className={cx(styles.tab)}>
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className={cx(styles.panel)}>
          {tab.content}
        </TabPanel>
      ))}
    </Base>
  );
}
