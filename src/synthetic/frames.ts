import type { Attribute, EventKind } from "./facts.js";

/**
 * Sentences that tell one thing: those that all splits share, then those of pretraining, training and test alone,
 * parted by double bars; the sentences of each by single ones.
 */
type Cell = string;

interface AttributeCells {
  readonly new: Cell;
  readonly contradiction: Cell;
  readonly retraction: Cell;
  readonly refinement?: Cell;
}

export const attributeCells: { readonly [A in Attribute]: AttributeCells } = {
  city: {
    new: "I live in {value}. | My home is in {value}. | I am living in {value}. || I have a flat in {value}. | {value} is where I live. | My house is in {value}. || I have my home in {value}. || {value} is my home.",
    contradiction:
      "I moved to {value}. | I moved from {old} to {value}. | I live in {value} now. || I left {old} and live in {value} now. | My new home is in {value}. | I just moved into a flat in {value}. || I have moved to {value} now. || I left {old} and moved to {value}.",
    retraction:
      "I moved away from {old}. | I no longer live in {old}. | I gave up my home in {old}. || I do not live in {old} any more. | I left {old} for good. | I sold my flat in {old}. || I do not have a home in {old} any more. || I moved out of {old} for good.",
  },
  job: {
    new: "I work as {an value}. | My job is {value}. | I am {an value}. || I earn my money as {an value}. | I have a job as {an value}. | For a living I am {an value}. || I am working as {an value}. || My work is {an value}'s job.",
    contradiction:
      "I work as {an value} now. | I got a new job as {an value}. | I changed my job from {old} to {value}. || I quit being {an old} and became {an value}. | My new job is {value}. | I am {an value} now. || I have become {an value}. || I have a new job now, I am {an value}.",
    retraction:
      "I quit my job as {an old}. | I no longer work as {an old}. | I stopped working as {an old}. || I am not {an old} any more. | I lost my job as {an old}. | I gave up my work as {an old}. || I do not work as {an old} any more. || I left my job as {an old}.",
    refinement:
      "I work as {an value} at {detail}. | My job as {an value} is at {detail}. | The company where I am {an value} is {detail}. || I am {an value} at {detail}. | {detail} is where I work as {an value}. | As {an value} I work for {detail}. || I am working as {an value} at {detail}. || I work at {detail} as {an value}.",
  },
  pet: {
    new: "I have {an value}. | I got {an value}. | My pet is {an value}. || I keep {an value} at home. | There is {an value} in my house. | I own {an value}. || I have {an value} as a pet. || I have {an value} at home.",
    contradiction:
      "I gave away the {old} and got {an value}. | I have {an value} now. | I have {an value} instead of the {old} now. || My pet is {an value} now. | The {old} is gone and I have {an value}. | I swapped my {old} for {an value}. || My new pet is {an value}. || I got {an value} instead of the {old}.",
    retraction:
      "I gave away my {old}. | I no longer have {an old}. | My {old} is gone. || I do not have the {old} any more. | My {old} ran away. | I found a new owner for my {old}. || I do not have {an old} any more. || I gave my {old} away for good.",
    refinement:
      "My {value} is named {detail}. | I named my {value} {detail}. | The name of my {value} is {detail}. || I call my {value} {detail}. | {detail} is the name of my {value}. | My {value} is called {detail}. || The name I gave my {value} is {detail}. || I gave my {value} the name {detail}.",
  },
  instrument: {
    new: "I play the {value}. | I learned to play the {value}. | My instrument is the {value}. || I make music on the {value}. | I am playing the {value}. | The {value} is what I play. || The instrument I play is the {value}. || I can play the {value}.",
    contradiction:
      "I play the {value} now. | I changed from the {old} to the {value}. | I play the {value} instead of the {old} now. || My instrument is the {value} now. | I swapped the {old} for the {value}. | I put the {old} aside and play the {value}. || My new instrument is the {value}. || I left the {old} and play the {value} now.",
    retraction:
      "I gave up the {old}. | I no longer play the {old}. | I stopped playing the {old}. || I do not play the {old} any more. | I sold my {old}. | I quit the {old}. || I am not playing the {old} any more. || I gave up playing the {old}.",
  },
  hobby: {
    new: "I enjoy {value}. | My hobby is {value}. | I do {value} in my free time. || I spend my weekends on {value}. | I am fond of {value}. | The hobby I have is {value}. || The hobby I enjoy is {value}. || In my free time I enjoy {value}.",
    contradiction:
      "I enjoy {value} now. | I changed my hobby from {old} to {value}. | My new hobby is {value}. || I do {value} instead of {old} now. | My hobby is {value} now. | I left {old} and enjoy {value}. || My hobby has changed to {value}. || I enjoy {value} instead of {old} now.",
    retraction:
      "I gave up {old}. | I no longer enjoy {old}. | I stopped {old}. || I do not do {old} any more. | I am bored of {old}. | I quit {old} for good. || I do not enjoy {old} any more. || I stopped {old} for good.",
  },
  food: {
    new: "I love eating {value}. | My favourite food is {value}. | I love {value}. || I could eat {value} every day. | The food I love is {value}. | My favourite dish is {value}. || The dish I love is {value}. || I really love eating {value}.",
    contradiction:
      "I love eating {value} now. | My favourite food is {value} now. | I love {value} more than {old} now. || My new favourite food is {value}. | I eat {value} instead of {old} now. | My favourite food changed from {old} to {value}. || My favourite dish is {value} now. || I love eating {value} instead of {old} now.",
    retraction:
      "I no longer love {old}. | I stopped eating {old}. | I am tired of eating {old}. || I do not love {old} any more. | I gave up eating {old}. | I cannot eat {old} any more. || I do not love eating {old} any more. || I am tired of {old} for good.",
  },
  car: {
    new: "I drive {an value}. | My car is {an value}. | I have a car, it is {an value}. || I go to town in my {value}. | The car I drive is {an value}. | I own {an value}, a good car. || I am driving {an value}. || I have {an value} as my car.",
    contradiction:
      "I drive {an value} now. | I sold the {old} and drive {an value}. | My new car is {an value}. || I changed my car from {an old} to {an value}. | My car is {an value} now. | I drive {an value} instead of the {old} now. || I have a new car, {an value}. || The car I drive now is {an value}.",
    retraction:
      "I sold my {old}. | I no longer drive {an old}. | I gave up my car, the {old}. || I do not drive the {old} any more. | My {old} broke down for good. | I stopped driving the {old}. || I do not drive {an old} any more. || I sold the {old} for good.",
  },
  language: {
    new: "I study {value}. | I am learning {value}. | I take lessons in {value}. || The language I study is {value}. | I have lessons in {value}. | I try to learn {value}. || I am studying {value}. || I learn a language, {value}.",
    contradiction:
      "I study {value} now. | I changed from {old} to {value} in my lessons. | I am learning {value} instead of {old} now. || I take lessons in {value} now. | My new language is {value}. | I left {old} and study {value}. || The language I study now is {value}. || I study {value} instead of {old} now.",
    retraction:
      "I gave up learning {old}. | I no longer study {old}. | I stopped my lessons in {old}. || I do not study {old} any more. | I quit {old}, it was too hard. | I stopped learning {old}. || I am not studying {old} any more. || I gave up my lessons in {old}.",
    refinement:
      "I study {value} with {detail}. | My {value} teacher is {detail}. | {detail} teaches me {value}. || My teacher of {value} is {detail}. | I learn {value} with {detail}. | I take {value} lessons from {detail}. || The teacher I study {value} with is {detail}. || I have {value} lessons with {detail}.",
  },
  plant: {
    new: "I grow {value}. | I grow {value} in my garden. | My garden is full of {value}. || I planted {value} at home. | The plants I grow are {value}. | I have {value} in my garden. || I am growing {value}. || In my garden I grow {value}.",
    contradiction:
      "I grow {value} now. | I grow {value} instead of {old} now. | I pulled out the {old} and grow {value}. || My garden is full of {value} now. | I changed from {old} to {value} in my garden. | I planted {value} in the place of the {old}. || The plants I grow now are {value}. || In my garden I grow {value} now.",
    retraction:
      "I no longer grow {old}. | I gave up growing {old}. | My {old} died in the garden. || I do not grow {old} any more. | I stopped growing {old}. | I pulled out all my {old}. || I am not growing {old} any more. || I gave up on my {old} in the garden.",
  },
  collection: {
    new: "I collect {value}. | I have a collection of {value}. | I am collecting {value}. || I started to collect {value}. | My shelves are full of {value}. | The things I collect are {value}. || I like to collect {value}. || I own a collection of {value}.",
    contradiction:
      "I collect {value} now. | I collect {value} instead of {old} now. | I sold the {old} and collect {value}. || I changed my collection from {old} to {value}. | I am collecting {value} now. | My new collection is of {value}. || My collection is of {value} now. || The things I collect now are {value}.",
    retraction:
      "I no longer collect {old}. | I gave up collecting {old}. | I sold my collection of {old}. || I do not collect {old} any more. | I stopped collecting {old}. | I gave away all my {old}. || I am not collecting {old} any more. || I gave away my collection of {old}.",
  },
};

export const eventCells: { readonly [E in EventKind]: Cell } = {
  visit:
    "I visited {value} today. | Today I visited {value}. | I was in {value} today. || I am on a visit to {value}. | I came to visit {value} this morning. | Today I saw {value} for the first time. || I went to visit {value} today. || Today I was on a visit to {value}.",
  course:
    "I started a course in {value} today. | Today I started a course in {value}. | My course in {value} started today. || This morning I began a course in {value}. | Today was the first day of my course in {value}. | I began a course in {value} today. || Today my course in {value} started. || I started my course in {value} this morning.",
  purchase:
    "I bought {an value} today. | Today I bought {an value}. | I got myself {an value} today. || This morning I bought {an value}. | I went out and bought {an value}. | I spent my money on {an value} today. || I bought myself {an value} today. || Today I went out and bought {an value}.",
  race: "I ran a race in {value} today. | Today I ran a race in {value}. | I ran in a race in {value}. || This morning I ran a race in {value}. | I finished a race in {value} today. | Today was my race in {value}. || I ran my race in {value} today. || Today I finished a race in {value}.",
};
