SELECT
  `t0`.`person_id`,
  `t0`.`day`,
  `t0`.`reached_at`,
  `t0`.`is_reached`,
  `t0`.`is_in_time`,
  `t0`.`is_clicked`
FROM `touches_until` AS `t0`;
