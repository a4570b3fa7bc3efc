import type { Attribute, EventKind } from "./facts.js";
import { type Split, splits } from "./lexicon.js";

/** What a phrasing asks for: an attribute's value, the detail that refines it, or the date of an event. */
export type Asked = Attribute | "job-company" | "pet-name" | "language-teacher" | EventKind;

/** Which detail refines an attribute. */
export const detailAsked = {
  job: "job-company",
  pet: "pet-name",
  language: "language-teacher",
} as const satisfies Partial<Record<Attribute, Asked>>;

/** Phrasings of the three splits, parted by bars. */
type Phrasings = readonly [pretrain: string, train: string, test: string];

const phrasings: { readonly [A in Asked]: Phrasings } = {
  city: [
    "Where does {name} live? | Which city does {name} live in? | In which city does {name} live? | What city is {name} living in? | Where is {name} living? | What is the home city of {name}? | Which city is home to {name}?",
    "What city does {name} live in? | Which city is {name} living in? | What is the city where {name} lives?",
    "In what city does {name} live? | In which city is {name} living? | Which is the city that {name} lives in?",
  ],
  job: [
    "What is the job of {name}? | What does {name} work as? | Which job does {name} have? | What job does {name} do? | What is {name} working as? | What kind of work does {name} do? | As what does {name} work?",
    "What job does {name} have? | Which job does {name} do? | What kind of job does {name} have?",
    "Which job does {name} work in? | What is it that {name} works as? | What job is {name} working in?",
  ],
  pet: [
    "What pet does {name} have? | Which pet does {name} have? | What kind of pet does {name} have? | What animal does {name} keep? | Which animal does {name} have at home? | What sort of animal is the pet of {name}?",
    "Which animal does {name} have? | What animal does {name} have as a pet? | What kind of animal does {name} have?",
    "What is the pet that {name} has? | Which kind of pet does {name} have? | What animal is the pet of {name}?",
  ],
  instrument: [
    "Which instrument does {name} play? | What instrument does {name} play? | What does {name} play? | Which musical instrument is {name} playing? | What kind of instrument does {name} play? | What is the instrument of {name}?",
    "Which musical instrument does {name} play? | What instrument is {name} playing? | What is the instrument that {name} plays?",
    "What musical instrument does {name} play? | Which kind of instrument does {name} play? | Which instrument is it that {name} plays?",
  ],
  hobby: [
    "What is the hobby of {name}? | Which hobby does {name} have? | What does {name} enjoy? | What does {name} enjoy as a hobby? | What hobby is {name} fond of? | What kind of hobby does {name} enjoy?",
    "What hobby does {name} have? | Which hobby does {name} enjoy? | What is the hobby that {name} enjoys?",
    "What hobby does {name} enjoy? | What kind of hobby does {name} have? | Which is the hobby that {name} enjoys?",
  ],
  food: [
    "What food does {name} love? | What does {name} love eating? | Which dish does {name} love? | What is the favourite food of {name}? | What does {name} love to eat? | Which food is the favourite of {name}?",
    "Which food does {name} love? | What food does {name} love to eat? | What dish does {name} love eating?",
    "What food does {name} love eating? | Which food does {name} love eating? | What dish does {name} love?",
  ],
  car: [
    "What car does {name} drive? | Which car does {name} drive? | What does {name} drive? | What make of car does {name} drive? | What kind of car is {name} driving? | What is the car of {name}?",
    "What kind of car does {name} drive? | Which car is {name} driving? | What is the car that {name} drives?",
    "What car is {name} driving? | Which kind of car does {name} drive? | Which is the car that {name} drives?",
  ],
  language: [
    "Which language does {name} study? | What language does {name} study? | What does {name} study? | What language is {name} learning? | Which language is {name} taking lessons in? | What is the language of the lessons of {name}?",
    "What language is {name} studying? | Which language is {name} learning? | What is the language that {name} studies?",
    "Which language is {name} studying? | What foreign language does {name} study? | Which is the language that {name} studies?",
  ],
  plant: [
    "What does {name} grow? | Which plants does {name} grow? | What is {name} growing in the garden? | What plants are in the garden of {name}? | What kind of plants is {name} growing? | What does {name} grow at home?",
    "What plants does {name} grow? | What does {name} grow in the garden? | Which plants is {name} growing?",
    "What kind of plants does {name} grow? | What plants is {name} growing? | Which plants does {name} grow in the garden?",
  ],
  collection: [
    "What does {name} collect? | What things does {name} collect? | What is {name} collecting? | What is in the collection of {name}? | Which things is {name} collecting? | What does the collection of {name} hold?",
    "Which things does {name} collect? | What kind of things does {name} collect? | What items does {name} collect?",
    "What things is {name} collecting? | Which items does {name} collect? | What sort of things does {name} collect?",
  ],
  "job-company": [
    "Which company does {name} work for? | At which company does {name} work? | What company does {name} work at? | What is the company of {name}? | Who does {name} work for? | What is the name of the company of {name}?",
    "Which company does {name} work at? | What company is {name} working for? | For which company does {name} work?",
    "What company does {name} work for? | Which company is {name} working at? | At what company does {name} work?",
  ],
  "pet-name": [
    "What is the name of the pet of {name}? | What is the pet of {name} called? | What is the pet of {name} named? | Which name does the pet of {name} have? | How is the pet of {name} called? | By what name does {name} call the pet?",
    "What name does the pet of {name} have? | What did {name} name the pet? | What does {name} call the pet?",
    "What name did {name} give the pet? | Which name did {name} give the pet? | What is the name that the pet of {name} has?",
  ],
  "language-teacher": [
    "Who is the language teacher of {name}? | Who teaches {name}? | With whom does {name} study? | What is the name of the teacher of {name}? | Which teacher does {name} have? | Who gives {name} language lessons?",
    "Who is the teacher of {name}? | Which teacher does {name} study with? | Who teaches {name} the language?",
    "Which language teacher does {name} have? | Who is the teacher that {name} studies with? | What is the language teacher of {name} called?",
  ],
  visit: [
    "When did {name} visit {value}? | On which day did {name} visit {value}? | What day did {name} visit {value}? | When was {name} in {value}? | When did {name} travel to {value}? | What was the date when {name} visited {value}?",
    "On what day did {name} visit {value}? | When was it that {name} visited {value}? | Which day did {name} visit {value}?",
    "On what date did {name} visit {value}? | What was the day when {name} visited {value}? | On which date did {name} visit {value}?",
  ],
  course: [
    "When did {name} start a course in {value}? | On which day did {name} start a course in {value}? | What day did {name} start the course in {value}? | When did the course of {name} in {value} start? | When did {name} begin to study {value}? | What was the date when {name} started a course in {value}?",
    "On what day did {name} start a course in {value}? | When was it that {name} started a course in {value}? | Which day did {name} start a course in {value}?",
    "On what date did {name} start a course in {value}? | What was the day when {name} started a course in {value}? | On which date did {name} start a course in {value}?",
  ],
  purchase: [
    "When did {name} buy {an value}? | On which day did {name} buy {an value}? | What day did {name} buy the {value}? | When did {name} get {an value}? | When did {name} purchase {an value}? | What was the date when {name} bought {an value}?",
    "On what day did {name} buy {an value}? | When was it that {name} bought {an value}? | Which day did {name} buy {an value}?",
    "On what date did {name} buy {an value}? | What was the day when {name} bought {an value}? | On which date did {name} buy {an value}?",
  ],
  race: [
    "When did {name} run a race in {value}? | On which day did {name} run a race in {value}? | What day did {name} run the race in {value}? | When was the race of {name} in {value}? | When did {name} race in {value}? | What was the date when {name} ran a race in {value}?",
    "On what day did {name} run a race in {value}? | When was it that {name} ran a race in {value}? | Which day did {name} run a race in {value}?",
    "On what date did {name} run a race in {value}? | What was the day when {name} ran a race in {value}? | On which date did {name} run a race in {value}?",
  ],
};

/** Templates of the questions for one thing; no split has a phrasing of another. */
export function questionPhrasings(asked: Asked, split: Split): readonly string[] {
  return (phrasings[asked][splits.indexOf(split)] as string).split(" | ");
}

export const askedKinds = Object.keys(phrasings) as Asked[];
