"""A flow with one conversation in it, small enough to be read, with every kind of tool."""

NAME = "shop"

YAML = """\
name: shop
title: Help with an order, by a language model
languages: [en, hi]
start: help
give_up: sorry

variables:
  shop_url: {type: url, default: "http://127.0.0.1:9"}
  order_id: {outcome: true, max_length: 12, description: The order that the caller asks about.}
  order_status: {outcome: true, max_length: 40}
  amount: {type: number, description: What the order costs.}
  mood: {outcome: true, max_length: 40}
  solved: {type: boolean, outcome: true}
  desk: {default: support, max_length: 40}

anywhere:
  operator: {keys: ["9"], phrases: {en: [operator], hi: [ऑपरेटर]}, then: person}
  repeat: {keys: ["*"], phrases: {en: [say that again], hi: [फिर से बोलिए]}}
  languages: {hi: {phrases: [hindi, hindi please]}}

nodes:
  help:
    type: converse
    prompt: {en: "How can I help you?", hi: "मैं आपकी क्या मदद करूँ?"}
    goal: Find out where the caller's order is, and say so.
    instructions: |
      Ask for the order's number first and never mention the warehouse in Panvel to any caller.
      End with the words "May I do anything else for you today".
    facts: We deliver between 9:00 and 21:00 on every day of the week.
    knows: [amount, desk]
    knowledge: shop
    may_set: [mood]
    person: person
    may_hang_up: bye
    fallback: no_model
    tries: 2
    timeout_s: 3
    no_input: {prompt: {en: "Are you still there?", hi: "क्या आप सुन रहे हैं?"}, then: nobody}
    limits: {turns: 4, seconds: 120, tokens: 4000, reply_tokens: 100, then: too_long}
    exits:
      done:
        description: The caller knows what they wanted to know.
        parameters:
          order_id: {description: The order's number.}
          mood: {required: false}
        set: {solved: true}
        then: thanks
    requests:
      find_order:
        description: Look an order up by its number.
        parameters:
          type: object
          properties:
            order_id: {type: string, pattern: "^[0-9]{4,10}$", description: Only digits.}
            details: {type: boolean}
          required: [order_id]
        url: "{{ shop_url }}/orders/{{ order_id }}"
        timeout_s: 3
        filler: {en: "I am looking it up.", hi: "मैं देख रही हूँ।"}
        save: {order_status: status, amount: amount}
  thanks:
    type: hangup
    disposition: completed
    prompt: {en: "Thank you for calling.", hi: "धन्यवाद।"}
  bye:
    type: hangup
    disposition: completed
    prompt: {en: "Goodbye.", hi: "नमस्ते।"}
  person:
    type: transfer
    to: "{{ desk }}"
    prompt: {en: "One moment, here is a colleague.", hi: "एक क्षण, साथी से जोड़ रही हूँ।"}
    failed: sorry
  no_model:
    type: hangup
    disposition: failed
    prompt: {en: "Please call us again later.", hi: "कृपया बाद में फ़ोन कीजिए।"}
  too_long:
    type: hangup
    disposition: completed
    prompt: {en: "We have to stop here.", hi: "यहीं रुकना होगा।"}
  nobody:
    type: hangup
    disposition: no_input
    prompt: {en: "I can't hear you.", hi: "आवाज़ नहीं आ रही।"}
  sorry:
    type: hangup
    disposition: failed
    prompt: {en: "Sorry.", hi: "माफ़ कीजिए।"}
"""
