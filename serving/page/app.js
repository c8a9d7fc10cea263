// The page of Palate: one person, their dishes and their week.

import { prepare as preparePerson } from "./person.js";
import { forget as forgetWeek, prepare as prepareWeek } from "./week.js";

preparePerson(forgetWeek);
prepareWeek();
