"""What kitchens write that proves no freedom: cases of test_fail_open.py, texts parted by `|`."""

from __future__ import annotations

OPEN_LISTS = """
carrots and other ingredients | carrots, ... | tomato etc | tomato plus | ... | … | carrots, on...
carrots & | carrots + | carrots and | carrots with | carrots &c. | carrots, etc. | carrots et al.
carrots, among others | carrots and more | carrots and much more | carrots and so on | carrots, inter alia
carrots, for example | carrots, e.g. | carrots and various extras | carrots and seasonal ingredients
carrots or similar | vegetables such as carrots | carrots and whatever is fresh
carrots and additional ingredients | carrots, further ingredients | carrots and stuff | includes carrots
other vegetables | carrots and a few others | Karotten und weitere Zutaten | Karotten usw. | Karotten u.v.m.
Karotten u. a. | Karotten u.a. | Karotten und mehr | Karotten und andere Zutaten | Karotten sowie weitere
Karotten und vieles mehr | Karotten, z.B. | Karotten mit | Karotten und sonstige Zutaten | Karotten, diverse
Karotten oder ähnliches | Karotten und so weiter | Karotten, unter anderem | Karotten etc. | Karotten und
Karotten je nach Saison | carottes et autres | carottes et autres ingrédients | carottes, entre autres
carottes, etc. | carottes et plus | carottes et | carottes, et | carottes ou similaire | carottes, notamment
carottes et divers ingrédients | carottes avec | carote e altro | carote e altri ingredienti | carote ecc.
carote, tra gli altri | carote e così via | carote e | carote o simili | carote e vari ingredienti
carote, per esempio | carote con | zanahorias y otros | zanahorias y otros ingredientes
zanahorias, entre otros | zanahorias y más | zanahorias y | zanahorias, etc. | zanahorias o similar
zanahorias, por ejemplo | zanahorias y demás | zanahorias con
"""
WHOLE_LISTS = """
carrots | carrots and peas | carrots with peas | carrots & peas | carrots + peas | Karotten und Erbsen
carottes et petits pois | carote e piselli | zanahorias y guisantes | 2.5 kg carrots | carrots, peas.
carrots / peas
"""
DECLARED_NOTHING = """
none declared | none known | none listed | none stated | none reported | no known allergens
no allergens declared | no declared allergens | not declared | nothing declared | no information | no info
none available | n/a | tbc | tba | may contain nuts | may contain traces | contains traces of milk | traces
traces of nuts | see label | ask staff | none, subject to change | none (may change) | unknown | varies
to be confirmed | allergens: | contains | ? | none? | including gluten | includes gluten
gluten, among others | gluten etc | gluten ... | gluten & | gluten + | keine Angabe | keine Angaben | k.A.
ohne Gewähr | keine deklariert | keine bekannt | nicht deklariert | unbekannt | keine (ohne Gewähr)
auf Anfrage | kann Spuren enthalten | Spuren von Nüssen | Gluten u.a. | Gluten u.v.m. | aucune information
aucun déclaré | aucun connu | non renseigné | sur demande | peut contenir des noix | gluten et autres
nessuno dichiarato | nessuna informazione | non noto | può contenere tracce di latte | glutine e altri
nessuno noto | ninguno declarado | sin información | sin datos | puede contener leche | gluten y otros
no declarado
"""
# Not offered to the diet, though a tag claims it and every ingredient is known.
DENIED = {
    "vegan": """
not suitable for vegans | not vegan | non-vegan | Vegan: no | vegan - no | no vegan | is not vegan
this is not a vegan dish | not suited to vegans | unsuitable for vegans | not for vegans | never vegan
isn't vegan | not vegan or vegetarian | cooked in a shared fryer | fried in the same fryer as meat
may contain milk | may contain traces of egg | may contain traces | contains traces
risk of cross contamination | shared grill | not vegan friendly | vegan? No. | non-vegetarian | nicht vegan
nicht für Veganer | nicht für Veganer geeignet | für Veganer nicht geeignet | kein veganes Gericht
vegan: nein | Gemeinsame Fritteuse | aus der Fritteuse | kann Spuren von Milch enthalten
kann Spuren enthalten | pas végane | non végan | ne convient pas aux végétaliens | végan : non
friteuse commune | peut contenir des traces de lait | non vegano | non è vegano | non adatto ai vegani
friggitrice condivisa | può contenere tracce di latte | vegano: no | no vegano | no es vegano
no apto para veganos | freidora compartida | puede contener trazas de leche | vegana: no
""",
    "vegetarian": """
non-vegetarian | not vegetarian | not suitable for vegetarians | cooked in a shared fryer | may contain pork
may contain fish | nicht vegetarisch | nicht für Vegetarier geeignet | pas végétarien | non vegetariano
no apto para vegetarianos | may contain meat | kann Spuren von Fisch enthalten | peut contenir du porc
vegetarian: no
""",
    "halal": """
not halal | non-halal | nicht halal | pas halal | non halal | no halal | halal: no | may contain pork
may contain alcohol | kann Schweinefleisch enthalten | cooked in a shared fryer | halal? no | traces of pork
""",
    "gluten-free": """
not gluten free | not gluten-free | nicht glutenfrei | non senza glutine | no gluten-free | gluten free: no
not suitable for coeliacs | cooked in a shared fryer | may contain traces of wheat | pas sans gluten
not safe for coeliacs | unsuitable for celiacs
""",
}  # fmt: skip
NOT_DENIED = {
    "vegan": """
vegan | not spicy | vegan, not spicy | not deep fried | no nuts | gluten-free | no added sugar
not gluten-free
""",
    "vegetarian": """
vegetarian | not vegan, with honey | no onions | not too hot
""",
    "halal": """
halal | not spicy | not vegan, with honey | may contain nuts
""",
    "gluten-free": """
gluten-free | not vegan | may contain milk | no nuts | no vegan option
""",
}

# What a dish says in letters, and the groups that they stand for by the scheme of Austria.
LETTERS = {
    "D,N": "fish molluscs sesame",
    "G": "milk",
    "g": "milk",
    "Gemüsepfanne (A,F)": "gluten soy",
    "Gemüsepfanne (a, f)": "gluten soy",
    "Gemüsepfanne A,F": "gluten soy",
    "Gemüsepfanne (1,2,A)": "gluten",
    "Gemüsepfanne (A) mit Reis": "gluten",
    "Enthält: G": "milk",
    "Enthält G und Nüsse": "milk tree_nuts peanuts",
    "Contains A and C.": "gluten eggs",
    "Allergene:A, C": "gluten eggs",
    "Allergens: A/C/G": "gluten eggs milk",
}
NO_LETTERS = (
    "200 g Reis | Reis (200 g) | 1,5 l Wasser | 2,5 kg carrots | Vitamin C | H-Milch | (V) | V | e.g. carrots"
    " | a delicious dish | A delicious dish"
    " | riso e piselli | l'eau d'orge | contient d'orge | E 220 | (0,2 l)"
)
